import { editorName, kaggleMetadata, withoutOutputs } from '../notebook-content';
import type { Accelerator } from '../wire';

const T4 = { id: 't4x2', kaggle_id: 'NvidiaTeslaT4', kind: 'gpu' } as Accelerator;
const CPU = { id: 'none', kaggle_id: 'None', kind: 'cpu' } as Accelerator;

describe('metadata.kaggle', () => {
  it.each([
    ['None', 'none'],
    ['NvidiaTeslaT4', 'nvidiaTeslaT4'],
    ['NvidiaRtxPro6000', 'nvidiaRtxPro6000'],
    ['TpuV5E8', 'tpuV5e8'],
    ['Tpu1VmV38', 'tpu1VmV38']
  ])('names %s as Kaggle’s editor does', (id, name) => {
    expect(editorName(id)).toBe(name);
  });

  it('is written whole into a notebook without it', () => {
    expect(kaggleMetadata(undefined, { accelerator: T4, kaggleId: '', internet: false })).toEqual({
      accelerator: 'nvidiaTeslaT4',
      dataSources: [],
      isGpuEnabled: true,
      isInternetEnabled: false,
      language: 'python',
      sourceType: 'notebook'
    });
  });

  it('keeps what stood there', () => {
    const before = {
      dataSources: [{ sourceId: 7 }],
      dockerImageVersionId: 31041,
      language: 'r',
      accelerator: 'x'
    };
    expect(kaggleMetadata(before, { accelerator: CPU, kaggleId: '', internet: true })).toMatchObject({
      accelerator: 'none',
      dataSources: [{ sourceId: 7 }],
      dockerImageVersionId: 31041,
      isGpuEnabled: false,
      language: 'r'
    });
    expect(before.accelerator).toBe('x');
  });

  it('passes on an id the table does not know', () => {
    const written = kaggleMetadata('junk', {
      accelerator: undefined,
      kaggleId: 'NvidiaB200',
      internet: true
    });
    expect(written.accelerator).toBe('nvidiaB200');
  });
});

describe('a preview’s notebook', () => {
  it('goes without its outputs, the original staying as it was', () => {
    const code = { cell_type: 'code', source: '1', outputs: [{ data: 'big' }] };
    const notebook = { cells: [code, { cell_type: 'markdown', source: '#' }], metadata: { a: 1 } };
    expect(withoutOutputs(notebook)).toEqual({
      cells: [{ ...code, outputs: [] }, notebook.cells[1]],
      metadata: { a: 1 }
    });
    expect(code.outputs).toHaveLength(1);
  });

  it('is left alone when it is no notebook', () => {
    expect([withoutOutputs(undefined), withoutOutputs('x')]).toEqual([undefined, 'x']);
  });
});
