/** How what a test wants begins that no machine has to have. */
export const LANGUAGE: string;
