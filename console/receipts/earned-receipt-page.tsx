export { EarnedReceiptPage as default } from './receipt-page.js';
