/** How often series of providers get a sample, in seconds: the slots begin at whole multiples of it. */
export const seriesSlotS = 300;
