/**
 * Kaggle Lab: run the notebook you have open on Kaggle's GPUs.
 */
import { commandsPlugin } from './plugins/commands';
import { corePlugin, servicePlugin } from './plugins/core';
import { statusPlugin } from './plugins/status';
import { toolbarPlugin } from './plugins/toolbar';
import { viewsPlugin } from './plugins/views';

export { IKaggleLab, type IActions, type IKaggleModel } from './tokens';

export default [corePlugin, servicePlugin, commandsPlugin, toolbarPlugin, statusPlugin, viewsPlugin];
