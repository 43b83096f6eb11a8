import type { Channel } from "../core/channel.ts";
import type { ClientInfo } from "../core/client-info.ts";
import type { Position, Publication } from "../core/publication.ts";
import { passesFilter, type TagsFilter } from "../core/tags-filter.ts";
import { joinPush, leavePush, type PushForm, publicationPush } from "../protocol/push-frame.ts";
import type { SentPublication } from "../protocol/server-frame.ts";
import type { Connection } from "./connection.ts";
import { asDifference, asWhole } from "./delta.ts";

/** One subscription as the fan-out sees it. */
export interface Member {
  readonly connection: Connection;
  /** Wants to know who comes and goes. */
  readonly joinLeave: boolean;
  /** Wants differences instead of whole publications. */
  readonly delta: boolean;
  readonly filter?: TagsFilter;
  /** Its position was lost: it has to subscribe again. Absent where no position is watched. */
  readonly onInsufficient?: () => void;
}

/** Hands a frame to every socket that the runtime has subscribed to a topic: so many of them. */
export type PublishToTopic = (topic: string, frame: string, sockets: number) => void;

/** What a group of members gets; each member of a group gets the same frame. */
type Flavor = "whole" | "delta" | "joins";

interface Group {
  readonly form: PushForm;
  readonly flavor: Flavor;
  readonly topic: string;
  /** Members whom the runtime serves. */
  topicMembers: number;
  readonly others: Set<Connection>;
}

/** Everyone who listens to one channel now, in groups that share their frames. */
export class Audience {
  readonly #channel: Channel;
  readonly #publish: PublishToTopic;
  readonly #members = new Set<Member>();
  readonly #groups = new Map<string, Group>();
  /** Members that are in no group: their tags filter decides, or their first difference is to come. */
  readonly #singles = new Set<Member>();
  #position: Position | undefined;
  /** What differences are made against; kept only while somebody wants differences. */
  #previous: Publication | undefined;
  #wantsDifferences = false;

  constructor(channel: Channel, publish: PublishToTopic) {
    this.#channel = channel;
    this.#publish = publish;
  }

  get size(): number {
    return this.#members.size;
  }

  /** `position` is where the member's subscription begins; its epoch is "" where no position is known. */
  add(member: Member, position: Position): void {
    this.#members.add(member);
    this.#catchUpWith(position, member);
    this.#wantsDifferences ||= member.delta;
    if (member.filter !== undefined || member.delta) this.#singles.add(member);
    else this.#enter(member.connection, "whole");
    if (member.joinLeave) this.#enter(member.connection, "joins");
  }

  remove(member: Member): void {
    if (!this.#members.delete(member)) return;
    if (!this.#singles.delete(member)) {
      this.#exit(member.connection, member.delta ? "delta" : "whole");
    }
    if (member.joinLeave) this.#exit(member.connection, "joins");
  }

  /** Gives the number of subscriptions that got it. */
  publication(publication: Publication, epoch: string): number {
    const { offset } = publication;
    // At offset 0 it is not part of the stream, so it moves no position.
    return offset === 0 || this.#moveTo({ epoch, offset }) ? this.#spread(publication) : 0;
  }

  #spread(publication: Publication): number {
    const frames = new Frames(this.#channel, publication, this.#previous);
    let delivered = 0;
    for (const group of this.#groups.values()) {
      if (group.flavor === "joins") continue;
      this.#emit(group, frames.of(group.form, group.flavor));
      delivered += group.topicMembers + group.others.size;
    }
    for (const member of this.#singles) delivered += this.#sendSingle(member, frames);
    if (this.#wantsDifferences) this.#previous = publication;
    return delivered;
  }

  /** The stream stands at `top`: when that is more than was delivered, something was lost. */
  compareWith(top: Position): void {
    const last = this.#position;
    if (last === undefined) return;
    if (last.epoch === top.epoch && top.offset <= last.offset) return;
    this.#losePositions();
    this.#position = top;
  }

  join(info: ClientInfo): void {
    this.#emitJoins((form) => joinPush(form, this.#channel, info));
  }

  leave(info: ClientInfo): void {
    this.#emitJoins((form) => leavePush(form, this.#channel, info));
  }

  /** False when everyone here has what is at this position. */
  #moveTo(position: Position): boolean {
    const place = this.#placeOf(position);
    if (place === "known") return false;
    if (place === "beyond") this.#losePositions();
    this.#position = position;
    return true;
  }

  /** A stream's offsets have no gaps: one in the middle means that something was lost on the way. */
  #placeOf({ epoch, offset }: Position): "next" | "known" | "beyond" {
    const last = this.#position;
    if (last === undefined) return "next";
    if (last.epoch !== epoch) return "beyond";
    if (offset <= last.offset) return "known";
    return offset === last.offset + 1 ? "next" : "beyond";
  }

  /** A newcomer that knows more than what was delivered here shows that the others lost something. */
  #catchUpWith(position: Position, newcomer: Member): void {
    const last = this.#position;
    if (position.epoch === "") return;
    if (last?.epoch === position.epoch && position.offset <= last.offset) return;
    this.#position = position;
    if (last !== undefined) this.#losePositions(newcomer);
  }

  /** Those that watch their position have to subscribe again; all others go on as they are. */
  #losePositions(except?: Member): void {
    this.#previous = undefined;
    for (const member of [...this.#members]) {
      if (member !== except) member.onInsufficient?.();
    }
  }

  /** 0 when the member does not want it. */
  #sendSingle(member: Member, frames: Frames): 0 | 1 {
    const { connection, filter } = member;
    if (filter !== undefined) {
      if (!passesFilter(filter, frames.tags)) return 0;
      connection.send(frames.of(connection.form, "whole"));
      return 1;
    }
    // The first one is whole; from the next on the member has what the difference is made against.
    connection.send(frames.wholeText(connection.form));
    // A client that was too slow for it has left meanwhile.
    if (this.#singles.delete(member)) this.#enter(connection, "delta");
    return 1;
  }

  #emitJoins(frameOf: (form: PushForm) => string): void {
    for (const group of this.#groups.values()) {
      if (group.flavor === "joins") this.#emit(group, frameOf(group.form));
    }
  }

  #emit(group: Group, frame: string): void {
    if (group.topicMembers > 0) this.#publish(group.topic, frame, group.topicMembers);
    for (const connection of group.others) connection.send(frame);
  }

  #enter(connection: Connection, flavor: Flavor): void {
    const { form } = connection;
    const key = `${form} ${flavor}`;
    // No channel name has a space, so no channel can be mistaken for a group of another.
    const topic = key === PLAIN ? this.#channel : `${key} ${this.#channel}`;
    const group = this.#groups.get(key) ?? {
      form,
      flavor,
      topic,
      topicMembers: 0,
      others: new Set(),
    };
    this.#groups.set(key, group);
    if (connection.topics === undefined) {
      group.others.add(connection);
    } else {
      group.topicMembers += 1;
      connection.topics.subscribe(topic);
    }
  }

  #exit(connection: Connection, flavor: Flavor): void {
    const key = `${connection.form} ${flavor}`;
    const group = this.#groups.get(key);
    if (group === undefined) return;
    if (connection.topics === undefined) {
      group.others.delete(connection);
    } else {
      group.topicMembers -= 1;
      connection.topics.unsubscribe(group.topic);
    }
    if (group.topicMembers === 0 && group.others.size === 0) this.#groups.delete(key);
  }
}

const PLAIN = "bidirectional whole";

/** The frames of one publication, each encoded when it is first needed. */
class Frames {
  readonly tags: Readonly<Record<string, string>>;
  readonly #channel: Channel;
  readonly #publication: Publication;
  readonly #previous: Publication | undefined;
  readonly #made = new Map<string, string>();

  constructor(channel: Channel, publication: Publication, previous: Publication | undefined) {
    this.#channel = channel;
    this.#publication = publication;
    this.#previous = previous;
    this.tags = publication.tags ?? {};
  }

  of(form: PushForm, flavor: "whole" | "delta"): string {
    if (flavor === "whole") return this.#frame(`${form} whole`, form, () => this.#publication);
    return this.#frame(`${form} delta`, form, () =>
      this.#previous === undefined
        ? asWhole(this.#publication)
        : asDifference(this.#previous, this.#publication),
    );
  }

  /** Whole, for a subscriber of differences. */
  wholeText(form: PushForm): string {
    return this.#frame(`${form} text`, form, () => asWhole(this.#publication));
  }

  #frame(key: string, form: PushForm, publication: () => SentPublication): string {
    const frame = this.#made.get(key) ?? publicationPush(form, this.#channel, publication());
    this.#made.set(key, frame);
    return frame;
  }
}
