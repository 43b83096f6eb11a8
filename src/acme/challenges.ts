/** What authorities may read at the port for plain http while they look who has a name (RFC 8555 §8.3). */
export class Challenges {
  readonly #answers = new Map<string, string>();

  /** What stands at the end of the path that the authority asks for. */
  answerTo(token: string): string | undefined {
    return this.#answers.get(token);
  }

  /** Holds the answer until what it gives is disposed of. */
  hold(token: string, answer: string): Disposable {
    this.#answers.set(token, answer);
    return { [Symbol.dispose]: () => this.#answers.delete(token) };
  }
}
