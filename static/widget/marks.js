// Up to where each side has got and read the talk. The center is told of ours a moment later, all at once.

import { post } from "./api.js";

const MARK_MS = 300;

/** Make the marks. `changed(what)` after news of the center; `failed(error)` when it could not be told. */
export function makeMarks({ changed, failed }) {
  let told = {};
  let wanted = {};
  let marking = 0;

  /** Begin with nothing known. */
  function reset() {
    told = { customer_read: 0, customer_got: 0, staff_read: 0 };
    wanted = { got: 0, read: 0 };
  }

  /** Note that all up to the seq `last` has come, and whether it stands before the visitor's eyes. */
  function note(last, isSeen, offline) {
    wanted = { got: Math.max(wanted.got, last), read: isSeen ? Math.max(wanted.read, last) : wanted.read };
    const isNews = wanted.got > told.customer_got || wanted.read > told.customer_read;
    if (isNews && !marking && !offline) marking = setTimeout(tell, MARK_MS);
  }

  async function tell() {
    try {
      Object.assign(told, (await post("marks", wanted)).marks);
      changed("marks");
    } catch (error) {
      failed(error);
    } finally {
      marking = 0;
    }
  }

  reset();
  return {
    reset,
    note,
    take(marks) {
      Object.assign(told, marks);
    },
    get told() {
      return told;
    },
    /** Up to where the visitor has read, whether the center knows it or not. */
    get seen() {
      return Math.max(told.customer_read, wanted.read);
    },
  };
}
