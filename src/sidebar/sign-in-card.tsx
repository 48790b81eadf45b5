import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IKaggleModel } from '../tokens';
import type { Account } from '../wire';
import { usePending } from './hooks';
import { ErrorNote } from './notices';

interface ISignInCardProps {
  model: IKaggleModel;
  trans: TranslationBundle;
  account: Account;
}

/** The two ways in: paste an access token, or try the emulator. */
export function SignInCard(props: ISignInCardProps): React.ReactElement {
  const { model, trans, account } = props;
  const emulator = usePending();
  const heading = React.useId();
  return (
    <section className="jp-KaggleLab-card" aria-labelledby={heading}>
      <h3 id={heading}>{trans.__('Sign in to Kaggle')}</h3>
      {account.message && <p>{account.message}</p>}
      <TokenForm {...props} />
      {account.emulator_available && (
        <div className="jp-KaggleLab-or">
          <h4>{trans.__('No account at hand?')}</h4>
          <p>
            {trans.__(
              'The emulator runs notebooks on this computer and answers as Kaggle would. Nothing leaves it, and there is no GPU.'
            )}
          </p>
          <button
            type="button"
            className="jp-KaggleLab-button"
            disabled={emulator.busy}
            onClick={() => void emulator.run(() => model.useEmulator())}
          >
            {emulator.busy ? trans.__('Starting the emulator…') : trans.__('Try the emulator')}
          </button>
          <ErrorNote trans={trans} error={emulator.error} onDismiss={emulator.clear} />
        </div>
      )}
    </section>
  );
}

function TokenForm(props: ISignInCardProps): React.ReactElement {
  const { model, trans, account } = props;
  const [token, setToken] = React.useState('');
  const pending = usePending();
  const ids = { input: React.useId(), help: React.useId() };
  const onSubmit = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    if (token.trim() && (await pending.run(() => model.signIn(token.trim())))) {
      setToken('');
    }
  };
  return (
    <form className="jp-KaggleLab-form" onSubmit={event => void onSubmit(event)}>
      <label htmlFor={ids.input}>{trans.__('Access token')}</label>
      <input
        id={ids.input}
        className="jp-KaggleLab-input"
        type="password"
        value={token}
        autoComplete="off"
        spellCheck={false}
        aria-describedby={ids.help}
        aria-invalid={pending.error !== undefined}
        onChange={event => setToken(event.target.value)}
      />
      <div id={ids.help} className="jp-KaggleLab-help">
        <TokenHelp trans={trans} account={account} />
      </div>
      <button
        type="submit"
        className="jp-KaggleLab-button jp-mod-strong"
        disabled={pending.busy || token.trim() === ''}
      >
        {pending.busy ? trans.__('Checking with Kaggle…') : trans.__('Check and sign in')}
      </button>
      <ErrorNote trans={trans} error={pending.error} />
    </form>
  );
}

function TokenHelp(props: { trans: TranslationBundle; account: Account }): React.ReactElement {
  const { trans, account } = props;
  const page = `${account.endpoint.web_url}/settings`;
  return (
    <>
      <p>
        {trans.__('Create one under Settings, API, “Generate new token”:')}{' '}
        <a href={page} target="_blank" rel="noreferrer noopener">
          {page}
        </a>
      </p>
      <p>
        {trans.__(
          'It is checked with Kaggle, then kept in %1 on the Jupyter server, readable only by you. It is never kept in the browser or in a notebook.',
          account.home
        )}
      </p>
    </>
  );
}
