"""What an operator and a visitor do, by role and accessible name, in English or Russian."""

import re
from pathlib import Path

from playwright.sync_api import FrameLocator, Locator, Page, expect


class Operator:
    """A person at the desk."""

    def __init__(self, page: Page, *, russian: bool = False) -> None:
        self.page, self.ru = page, russian

    def _(self, english: str, russian: str) -> str:
        return russian if self.ru else english

    def pause(self) -> None:
        self.page.get_by_label(self._("My status", "Мой статус")).click()
        self.page.locator("#status button[data-presence=pause]").first.click()
        expect(self.page.locator("#status summary")).to_have_attribute("data-current", "pause")

    def become_available(self) -> None:
        self.page.get_by_label(self._("My status", "Мой статус")).click()
        self.page.locator("#status").get_by_role("button", name=self._("Available", "Доступен")).click()
        expect(self.page.locator("#status summary")).to_have_attribute("data-current", "available")

    def end_shift(self) -> None:
        self.page.get_by_label(self._("My status", "Мой статус")).click()
        self.page.get_by_role("button", name=self._("End the shift", "Завершить смену")).click()

    def accept(self, name: str) -> None:
        offer = self.page.get_by_role("alertdialog").filter(has_text=name)
        offer.get_by_role("button", name=re.compile(self._("Accept", "Принять"))).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(name)

    def say(self, text: str) -> None:
        self.message.fill(text)
        self.page.keyboard.press("Enter")
        expect(self.log.get_by_text(text)).to_be_visible()

    def note(self, text: str) -> None:
        self.page.get_by_role("tab", name=self._("Internal note", "Внутренняя заметка")).click()
        self.say(text)
        self.page.get_by_role("tab", name=self._("Reply", "Ответ")).click()

    @property
    def message(self) -> Locator:
        return self.page.get_by_label(self._("Message", "Сообщение"), exact=True)

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    def open_section(self, name: str) -> None:
        link = self.page.locator("#level3").get_by_role("link", name=re.compile(f"^{name}"))
        link.click()
        expect(link).to_have_attribute("aria-current", "true")

    def open_transfer(self) -> Locator:
        self.page.get_by_role("button", name=self._("Transfer", "Передать"), exact=True).click()
        dialog = self.page.get_by_role("dialog")
        expect(dialog.get_by_role("button").first).to_be_visible()
        return dialog

    def transfer_to(self, name: str, note: str) -> None:
        dialog = self.open_transfer()
        dialog.get_by_label(self._("Note to the colleague", "Заметка коллеге")).fill(note)
        dialog.get_by_role("button", name=re.compile(name)).click()
        expect(dialog).to_be_hidden()

    def finish(self) -> None:
        self.page.get_by_role("button", name=self._("Finish", "Завершить"), exact=True).click()
        expect(self.page.get_by_role("form", name=self._("Wrap-up", "Постобработка"))).to_be_visible()

    def wrap_up(self, note: str) -> None:
        form = self.page.get_by_role("form", name=self._("Wrap-up", "Постобработка"))
        form.get_by_label(re.compile(self._("Outcome", "Итог"))).select_option(index=1)
        form.get_by_label(
            self._("Short note for those who come after you", "Короткая заметка для тех, кто после вас")
        ).fill(note)
        form.get_by_role("button", name=self._("Save the outcome", "Сохранить итог")).click()
        expect(form).to_be_hidden()


class Visitor:
    """A person on the site."""

    def __init__(self, page: Page, shop: str, *, russian: bool = False) -> None:
        self.page, self.ru = page, russian
        page.goto(shop + ("/ru" if russian else "/"))

    def _(self, english: str, russian: str) -> str:
        return russian if self.ru else english

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    def open_chat(self) -> None:
        self.page.get_by_role("button", name=self._("Open chat", "Открыть чат")).click()

    def start(self, name: str, text: str, topic: str = "") -> None:
        self.open_chat()
        self.frame.get_by_label(self._("Your name", "Ваше имя")).fill(name)
        if topic:
            self.frame.get_by_role("combobox").select_option(label=topic)
        self.frame.get_by_role("checkbox").check()
        self.frame.get_by_role("button", name=self._("Start the chat", "Начать чат")).click()
        self.say(text)

    def say(self, text: str) -> None:
        self.frame.get_by_label(self._("Your message", "Ваше сообщение")).fill(text)
        self.frame.get_by_role("button", name=self._("Send", "Отправить")).click()
        expect(self.frame.get_by_role("log").get_by_text(text)).to_be_visible()

    def send_file(self, path: Path) -> None:
        self.frame.locator("input[type=file]").set_input_files(path)

    def reads(self, text: str) -> None:
        expect(self.frame.get_by_role("log").get_by_text(text)).to_be_visible()
