import type { Problems } from './form-problems.js';
import type { OrderForm } from './order-form.js';

/** What each part of the form is given. */
export interface SectionProps {
  form: OrderForm;
  problems: Problems;
  set(change: Partial<OrderForm>): void;
}
