/**
 * The README's pictures in the dark theme, made only when asked for: `SCREENSHOTS=1 ONLY=browser make test`.
 */
import { takePictures } from './support/pictures';
import { test } from './support/stage';

test.use({ play: { endpoint: 'emulator', name: 'dark' } });
takePictures('JupyterLab Dark', '-dark');
