// Calls that one makes: a number typed or pasted in any form, or any phone number of the product by a click.
import { post } from "../net.js";
import { complain } from "../toast.js";

// A phone in this browser calls by itself: it hears of it. Any other is asked by the server.
async function dial(values) {
  try {
    const told = await post("/desk/dial/", values);
    document.dispatchEvent(new CustomEvent("cx:dial", { detail: told }));
    const box = document.querySelector("#dial input");
    if (box) box.value = "";
  } catch (error) {
    complain(error);
  }
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "dial") return;
  event.preventDefault();
  dial(Object.fromEntries(new FormData(event.target)));
});
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-dial]");
  if (!button) return;
  const { dial: number, customer = "", profile = "", case: of = "", task = "" } = button.dataset;
  dial({ number, customer, profile, case: of, task });
});
// Who has no phone, or is in a call, sees no buttons that would call.
const show = () => document.body.toggleAttribute("data-dials", Boolean(document.getElementById("dial")));
document.addEventListener("cx:bar", show);
show();
