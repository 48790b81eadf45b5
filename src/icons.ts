/**
 * Kaggle Lab's own pictures, drawn in the theme's colours.
 */
import { LabIcon } from '@jupyterlab/ui-components';

/** A machine elsewhere with a play mark: runs what is here, over there. */
export const kaggleLabIcon = new LabIcon({
  name: 'kaggle-lab:logo',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M5 3h2.6v8.2L15.2 3h3.5l-7 7.4L19.4 21h-3.3l-6.2-8.7-2.3 2.4V21H5z"/>
    <path d="M17.2 8.2v6.4l5.3-3.2z"/>
  </g>
</svg>`
});
