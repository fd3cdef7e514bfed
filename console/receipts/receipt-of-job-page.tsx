export { ReceiptOfJobPage as default } from './receipt-page.js';
