/**
 * The one question asked when the page starts: is a run live?
 */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** False also when the server, or its Kaggle half, does not answer: then there is nothing to show. */
export async function isAnythingLive(settings: ServerConnection.ISettings): Promise<boolean> {
  const url = URLExt.join(settings.baseUrl, 'kaggle-lab/api/jobs') + '?active=1&limit=1';
  try {
    const response = await ServerConnection.makeRequest(url, {}, settings);
    const page = (await response.json()) as { readonly jobs?: readonly unknown[] };
    return response.ok && (page.jobs?.length ?? 0) > 0;
  } catch {
    return false;
  }
}
