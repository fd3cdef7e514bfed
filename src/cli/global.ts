/** The options of every command. */
export interface Global {
  api?: string;
  json?: boolean;
  quiet?: boolean;
  utc?: boolean;
  color: boolean;
  verbose?: boolean;
}
