/** Does the task for every item, so many at a time; the answers are in the order of the items. */
export async function mapInTurns<Item, Answer>(
  items: readonly Item[],
  runningMax: number,
  task: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  // Shared: whoever is done takes the next one.
  const rest = items.entries();
  async function work(): Promise<void> {
    for (const [index, item] of rest) answers[index] = await task(item);
  }
  await Promise.all(Array.from({ length: Math.min(runningMax, items.length) }, work));
  return answers;
}
