/** How something stands, as a colour and a glyph. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'off';
