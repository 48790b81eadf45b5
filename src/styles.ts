/**
 * The styles of the views, added to the page together with their code.
 */
import log from '../style/log.raw.css';
import sidebar from '../style/sidebar.raw.css';

/** Add them, once. */
export function addStyles(): void {
  const id = 'jp-KaggleLab-styles';
  if (!document.getElementById(id)) {
    const node = document.createElement('style');
    node.id = id;
    node.textContent = sidebar + log;
    document.head.appendChild(node);
  }
}
