import type { BindingChange } from "../core/bindings.ts";
import type { DeviceId } from "../core/device-id.ts";
import type { CommandGrants } from "../core/grants.ts";

/** One change, or that a device is nobody's any more. */
export type BindingNews = BindingChange | { readonly device: DeviceId };

/**
 * The newest changes of all bindings, so that whoever read some of them a moment ago finds out what
 * is different by now. Nothing has to be given back, however an admission ends.
 */
export class BindingChanges {
  readonly #max: number;
  readonly #news: BindingNews[] = [];
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** So many came until now; to be noted before something is read. */
  get count(): number {
    return this.#count;
  }

  note(news: BindingNews): void {
    this.#news[this.#count % this.#max] = news;
    this.#count += 1;
  }

  /** What concerns this user since `count` was noted, oldest first; undefined when too much came to be known. */
  since(count: number, user: string): readonly BindingNews[] | undefined {
    if (this.#count - count > this.#max) return undefined;
    const missed: BindingNews[] = [];
    for (let at = count; at < this.#count; at += 1) {
      const news = this.#news[at % this.#max];
      if (news !== undefined && (!("user" in news) || news.user === user)) missed.push(news);
    }
    return missed;
  }
}

/** The bindings of a user after one more change of them. */
export function afterNews(bindings: CommandGrants, news: BindingNews): CommandGrants {
  const changed = new Map(bindings);
  const commands = commandsIn(news);
  if (commands === undefined) changed.delete(news.device);
  else changed.set(news.device, commands);
  return changed;
}

/** What may be sent from now on; undefined where there is no binding any more. */
export function commandsIn(news: BindingNews): readonly string[] | undefined {
  return "user" in news ? news.commands : undefined;
}
