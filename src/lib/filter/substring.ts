/** The longest text that is looked for as the runtime does it: its time may grow by that much. */
const SHORT = 16;

/**
 * Answers whether texts contain this one, in a time that grows with their length alone, whatever they are made of: the
 * runtime's own search may take as long as both lengths multiplied. Pure.
 */
export function containsText(part: string): (text: string) => boolean {
  if (part.length <= SHORT) return (text) => text.includes(part);
  // Knuth, Morris and Pratt: how long the part's beginning is that ends where it has matched so far.
  const borders = [0];
  for (let i = 1, length = 0; i < part.length; i++) {
    while (length > 0 && part[i] !== part[length]) length = borders[length - 1] as number;
    if (part[i] === part[length]) length++;
    borders.push(length);
  }
  return (text) => {
    let matched = 0;
    for (let i = 0; i < text.length; i++) {
      while (matched > 0 && text[i] !== part[matched]) matched = borders[matched - 1] as number;
      if (text[i] === part[matched]) matched++;
      if (matched === part.length) return true;
    }
    return false;
  };
}
