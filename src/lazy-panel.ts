/**
 * A widget whose content is loaded when it is first seen.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { PanelLayout, Widget } from '@lumino/widgets';
import type { Message } from '@lumino/messaging';

export class LazyPanel extends Widget {
  constructor(
    private readonly _load: () => Promise<Widget>,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-KaggleLab-panel');
    this._box = new PanelLayout();
    this.layout = this._box;
  }

  /** The loaded content; undefined before. */
  get content(): Widget | undefined {
    return this._content;
  }

  /** Load the content unless it is here already. Never rejects. */
  load(): Promise<void> {
    this._loading ??= this._fill();
    return this._loading;
  }

  protected override onBeforeShow(message: Message): void {
    super.onBeforeShow(message);
    void this.load();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      void this.load();
    }
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    void this.load().then(() => this._content?.activate());
  }

  private async _fill(): Promise<void> {
    try {
      this._setContent(await this._load());
    } catch (error) {
      this._loading = undefined;
      this._setContent(this._failure(error));
    }
  }

  /** Shown when the code itself could not be fetched, e.g. while the server is away. */
  private _failure(error: unknown): Widget {
    const note = new Widget();
    note.addClass('jp-KaggleLab-note');
    const reason = error instanceof Error ? error.message : String(error);
    note.node.textContent = this._trans.__(
      'This view could not be loaded. Close it and open it again. (%1)',
      reason
    );
    note.node.setAttribute('role', 'alert');
    return note;
  }

  private _setContent(content: Widget): void {
    if (this.isDisposed) {
      content.dispose();
      return;
    }
    this._content?.dispose();
    this._content = content;
    this._box.addWidget(content);
  }

  private readonly _box: PanelLayout;
  private _content: Widget | undefined;
  private _loading: Promise<void> | undefined;
}
