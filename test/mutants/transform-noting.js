import { noting } from './functions.js';
import { transformOf } from './transform.js';

export default transformOf((source, file) => noting(file, source));
