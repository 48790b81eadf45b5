/** What is on screen from the start; the views bring their own styles with them. */
import css from './base.raw.css';

const node = document.createElement('style');
node.textContent = css;
document.head.appendChild(node);
