import { ServerConnection } from '@jupyterlab/services';
import { KaggleLabClient } from '../client';
import { ApiError } from '../wire';
import { accountWire, jobPage, jobWire } from './factory';

interface ISeen {
  method: string;
  path: string;
  body: string;
  type: string | null;
}

/** A client whose requests are answered by `answer`, and what it asked. */
function clientOf(answer: () => Response | Promise<Response>): { client: KaggleLabClient; seen: ISeen[] } {
  const seen: ISeen[] = [];
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost:8888/user/ada/',
    fetch: async (input: RequestInfo | URL) => {
      const request = input as Request;
      const url = new URL(request.url);
      // JupyterLab adds the present time against caches.
      const path = (url.pathname + url.search).replace(/[?&]\d{10,}$/, '');
      const { method } = request;
      seen.push({ method, path, body: await request.text(), type: request.headers.get('Content-Type') });
      return answer();
    }
  });
  return { client: new KaggleLabClient(settings), seen };
}

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status });
}

async function failure(work: Promise<unknown>): Promise<ApiError> {
  const error = await work.then(
    () => undefined,
    reason => reason
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

describe('asking', () => {
  it('asks below the base URL, with what is given and nothing else', async () => {
    const { client, seen } = clientOf(() => json(jobPage([jobWire()])));
    const page = await client.jobs({ since: 0, limit: 5 });
    expect(seen[0]).toMatchObject({ method: 'GET', path: '/user/ada/kaggle-lab/api/jobs?since=0&limit=5' });
    expect(page.jobs[0].id).toBe('job-1');
  });

  it('writes true as 1 and leaves false out', async () => {
    const { client, seen } = clientOf(() => json(accountWire()));
    await client.account(true);
    await client.account(false);
    expect(seen.map(({ path }) => path.split('/api/')[1])).toEqual(['account?refresh=1', 'account']);
  });

  it('sends JSON, and says so', async () => {
    const { client, seen } = clientOf(() => json(jobWire(), 201));
    await client.submit({ notebook_path: 'a b/ä.ipynb', client_token: 't', content: { cells: [] } });
    expect(seen[0]).toMatchObject({ method: 'POST', type: 'application/json' });
    expect(JSON.parse(seen[0].body)).toEqual({
      notebook_path: 'a b/ä.ipynb',
      client_token: 't',
      content: { cells: [] }
    });
  });

  it('escapes what it puts into addresses', async () => {
    const { client, seen } = clientOf(() => json({}));
    await client.profile('a&b/ä c.ipynb');
    await failure(client.job('../account'));
    expect(seen[0].path).toContain('profile?path=a%26b%2F%C3%A4+c.ipynb');
    expect(seen[1].path).toContain('jobs/..%2Faccount');
  });

  it('takes an empty answer to a removal', async () => {
    const { client, seen } = clientOf(() => new Response(null, { status: 204 }));
    await expect(client.remove('job-1')).resolves.toBeUndefined();
    expect(seen[0].method).toBe('DELETE');
  });
});

describe('failing', () => {
  it('hands on what the server says', async () => {
    const problem = { code: 'title_taken', cause: 'Taken.', remedy: 'Rename.', data: { ref: 'ada/x' } };
    const { client } = clientOf(() => json({ ...problem, message: 'Taken.' }, 409));
    const error = await failure(client.stop('job-1'));
    expect(error).toMatchObject({ ...problem, status: 409, message: 'Taken.' });
  });

  it('tells a server that is away', async () => {
    const { client } = clientOf(() => Promise.reject(new TypeError('Failed to fetch')));
    expect(await failure(client.quota())).toMatchObject({ code: 'server_unreachable', status: 0 });
  });

  it.each([
    [404, '<html>404</html>', 'server_missing'],
    [403, '{"message": "Forbidden"}', 'forbidden'],
    [401, '', 'forbidden'],
    [502, '<html>Bad gateway</html>', 'server_unreachable']
  ])('explains a %s that is not ours', async (status, body, code) => {
    const { client } = clientOf(() => new Response(body, { status }));
    expect(await failure(client.accelerators())).toMatchObject({ code, status });
  });

  it('does not take a page for an answer', async () => {
    const { client } = clientOf(() => new Response('<html>Sign in</html>', { status: 200 }));
    expect((await failure(client.account())).code).toBe('confused');
  });

  it('does not take half an answer for one', async () => {
    const { client } = clientOf(() => new Response('{"jobs": [{"id": ', { status: 200 }));
    expect((await failure(client.jobs())).code).toBe('confused');
  });
});
