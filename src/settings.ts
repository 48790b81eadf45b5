/**
 * The settings of this browser side, as in `schema/plugin.json`.
 */

/** Which notifications to show. */
export type NotifyAbout = 'all' | 'ended' | 'failed' | 'none';

export interface ISettings {
  /** Show the confirm sheet before every run. */
  readonly confirmEachRun: boolean;
  readonly notifyAbout: NotifyAbout;
  /** The browser's own notification when this tab is not looked at. */
  readonly desktopNotifications: boolean;
  readonly showStatusBar: boolean;
  /** Whether a log opens at its end and stays there. */
  readonly followLog: boolean;
}

export const DEFAULT_SETTINGS: ISettings = {
  confirmEachRun: false,
  notifyAbout: 'all',
  desktopNotifications: false,
  showStatusBar: true,
  followLog: true
};

const NOTIFY_ABOUT: readonly unknown[] = ['all', 'ended', 'failed', 'none'];

/** Read settings; what is missing or of another kind takes its default. */
export function readSettings(values: Readonly<Record<string, unknown>>): ISettings {
  const flag = (name: keyof ISettings & string, other: boolean): boolean => {
    const value = values[name];
    return typeof value === 'boolean' ? value : other;
  };
  const about = values.notifyAbout;
  return {
    confirmEachRun: flag('confirmEachRun', DEFAULT_SETTINGS.confirmEachRun),
    notifyAbout: NOTIFY_ABOUT.includes(about) ? (about as NotifyAbout) : DEFAULT_SETTINGS.notifyAbout,
    desktopNotifications: flag('desktopNotifications', DEFAULT_SETTINGS.desktopNotifications),
    showStatusBar: flag('showStatusBar', DEFAULT_SETTINGS.showStatusBar),
    followLog: flag('followLog', DEFAULT_SETTINGS.followLog)
  };
}
