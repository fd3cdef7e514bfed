/** How often the market is sampled, and the shortest step of its history. */
export const sampleEveryS = 300;
