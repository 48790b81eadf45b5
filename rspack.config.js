/**
 * Added to JupyterLab's own build, for a smaller extension.
 */
const path = require('path');
const { rspack } = require('@rspack/core');

module.exports = {
  module: {
    rules: [
      {
        include: path.join(__dirname, 'lib'),
        test: /\.js$/,
        loader: require.resolve('./rspack.jsx-loader.js')
      },
      {
        // Styles that are imported as text.
        test: /\.raw\.css$/,
        enforce: 'pre',
        loader: 'builtin:lightningcss-loader',
        options: { minify: true, targets: 'chrome 110, firefox 115, safari 16' }
      }
    ]
  },
  optimization: {
    minimizer: [
      new rspack.SwcJsMinimizerRspackPlugin({
        minimizerOptions: {
          compress: { passes: 2 },
          // Private members only. `_n` and `__` are the translator's, and stay.
          mangle: { props: { regex: '^_[a-z][a-zA-Z]{2,}$' } }
        }
      })
    ]
  }
};
