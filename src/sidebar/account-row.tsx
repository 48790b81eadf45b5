import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, caretUpIcon, refreshIcon, userIcon } from '@jupyterlab/ui-components';
import type { IKaggleModel } from '../tokens';
import type { Account } from '../wire';
import { usePending, type IPending } from './hooks';
import { ErrorNote } from './notices';
import { EmulatorBadge } from './status';

interface IAccountRowProps {
  model: IKaggleModel;
  trans: TranslationBundle;
  onRefresh(): void;
}

/** Who is signed in, where and how; unfolds to what can be changed about it. */
export function AccountRow(props: IAccountRowProps): React.ReactElement {
  const { model, trans, onRefresh } = props;
  const [open, setOpen] = React.useState(false);
  const id = React.useId();
  const { value: account, loading } = model.account;
  const Caret = open ? caretUpIcon : caretDownIcon;
  return (
    <div className="jp-KaggleLab-account">
      <div className="jp-KaggleLab-accountRow">
        <userIcon.react tag="span" className="jp-KaggleLab-icon" aria-hidden="true" />
        <span className="jp-KaggleLab-title">
          {account ? accountName(trans, account) : trans.__('Kaggle')}
        </span>
        {account?.endpoint.kind === 'emulator' && <EmulatorBadge trans={trans} />}
        <button
          type="button"
          className="jp-KaggleLab-iconButton"
          title={trans.__('Refresh')}
          aria-label={trans.__('Refresh account, quota and runs')}
          disabled={loading}
          onClick={onRefresh}
        >
          <refreshIcon.react tag="span" />
        </button>
        {account && (
          <button
            type="button"
            className="jp-KaggleLab-iconButton"
            title={trans.__('Account')}
            aria-label={trans.__('Account')}
            aria-expanded={open}
            aria-controls={id}
            onClick={() => setOpen(!open)}
          >
            <Caret.react tag="span" />
          </button>
        )}
      </div>
      {account && open && <AccountPanel id={id} model={model} trans={trans} account={account} />}
    </div>
  );
}

function accountName(trans: TranslationBundle, account: Account): string {
  if (account.state === 'signed_out') {
    return trans.__('Not signed in');
  }
  return account.username || trans.__('Kaggle');
}

interface IAccountPanelProps {
  id: string;
  model: IKaggleModel;
  trans: TranslationBundle;
  account: Account;
}

function AccountPanel(props: IAccountPanelProps): React.ReactElement {
  const { id, trans, account } = props;
  const pending = usePending();
  return (
    <div id={id} className="jp-KaggleLab-accountPanel">
      <p>{methodText(trans, account)}</p>
      {account.message && <p>{account.message}</p>}
      <div className="jp-KaggleLab-actions">
        <AccountButtons {...props} pending={pending} />
      </div>
      <ErrorNote trans={trans} error={pending.error} onDismiss={pending.clear} />
    </div>
  );
}

function AccountButtons(props: IAccountPanelProps & { pending: IPending }): React.ReactElement {
  const { model, trans, account, pending } = props;
  const button = (label: string, action: () => Promise<void>): React.ReactElement => (
    <button
      type="button"
      className="jp-KaggleLab-button"
      disabled={pending.busy}
      onClick={() => void pending.run(action)}
    >
      {label}
    </button>
  );
  if (account.endpoint.kind === 'emulator') {
    return button(trans.__('Leave the emulator'), () => model.useKaggle());
  }
  return (
    <>
      {account.method !== 'none' && button(trans.__('Sign out'), () => model.signOut())}
      {account.emulator_available &&
        account.state !== 'signed_out' &&
        button(trans.__('Use the emulator'), () => model.useEmulator())}
    </>
  );
}

function methodText(trans: TranslationBundle, account: Account): string {
  if (account.endpoint.kind === 'emulator') {
    return trans.__(
      'Runs stay on this computer: the emulator answers in place of Kaggle, and no Kaggle quota is used.'
    );
  }
  switch (account.method) {
    case 'access_token':
      return trans.__('Signed in with an access token from %1.', account.source);
    case 'api_key':
      return trans.__('Signed in with an API key from %1.', account.source);
    case 'oauth':
      return trans.__('Signed in by browser; the token is kept in %1.', account.source);
    default:
      return trans.__('No Kaggle credentials were found.');
  }
}
