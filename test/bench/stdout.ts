/**
 * Keeps stdout for the bench's answer: from the moment this is loaded, all that this process prints goes to stderr,
 * whichever library prints it. So it is imported before all others.
 * @module
 */

const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

/** Prints the answer, the only thing on stdout. */
export function answer(text: string): void {
  write(`${text}\n`);
}
