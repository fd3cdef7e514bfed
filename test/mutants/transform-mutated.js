import { mutated } from './apply.js';
import { transformOf } from './transform.js';

export default transformOf(mutated);
