/**
 * What counts by the clock starts anew at each multiple of `ms`: acts so that no count did meanwhile. Where one did and the
 * act failed, it is acted again, from its beginning.
 *
 * @param act begins with what nobody has counted yet
 * @throws what `act` throws within one period
 */
export async function withinOnePeriod<T>(ms: number, act: () => Promise<T>): Promise<T> {
  const period = () => Math.floor(Date.now() / ms);
  for (;;) {
    const began = period();
    try {
      return await act();
    } catch (error) {
      if (period() === began) throw error;
    }
  }
}
