"""What comes of each product's export: words, times, speakers, and what is left out."""

import datetime as dt
import json
from pathlib import Path

import pytest
from langgraph.store.memory import InMemoryStore

from lightmem_integrations import InvalidImportError, ScopeError
from lightmem_integrations.importers import import_conversations

FILES = Path(__file__).parents[1] / "data" / "imports"
PATTERN = "memories/{user_id}"


@pytest.fixture
def memory(open_memory):
    return open_memory()


def told(memory, session_id, user_id="alice"):
    turns = memory.history(user_id=user_id, session_id=session_id)
    return [(turn.role, turn.text) for turn in turns]


def moments(memory, session_id, user_id="alice"):
    turns = memory.history(user_id=user_id, session_id=session_id)
    return [f"{turn.time:%Y-%m-%d %H:%M:%S}" for turn in turns]


def node(name, parent, *children, role="user", text=None, **message):
    content = {"content_type": "text", "parts": [text]}
    said = {"id": name, "author": {"role": role}, "content": content, **message}
    return {
        "id": name, "parent": parent, "children": list(children),
        "message": None if text is None and not message else said,
    }  # fmt: skip


def conversation(*nodes, current, name="one", **known):
    mapping = {each["id"]: each for each in nodes}
    return {"conversation_id": name, "mapping": mapping, "current_node": current, **known}


class TestChatGPT:
    def test_the_branch_that_was_last_seen_is_imported(self, memory):
        done = import_conversations(memory, FILES / "chatgpt.json", form="chatgpt", user_id="alice")
        assert told(memory, "conv-lisbon") == [
            ("user", "I am moving to Lisbon in June. What should I see?"),
            ("assistant", "The tower of Belém, by the river."),
            ("user", "How long is this bridge?"),
            ("assistant", ""),  # a call of the browser
            ("tool", "2277 metres"),
            ("assistant", "The 25 de Abril bridge is 2,277 metres long."),
        ]
        # An empty system prompt, a regenerated answer and reasoning.
        assert (done.turns, done.skipped, done.sessions) == (8, 3, 2)
        assert not memory.recall("tower of Pisa", user_id="alice").text.count("Pisa.")

    def test_times_titles_models_and_ids_come_along(self, memory):
        import_conversations(memory, FILES / "chatgpt.json", form="chatgpt", user_id="alice")
        turns = memory.history(user_id="alice", session_id="conv-lisbon")
        assert turns[0].time == dt.datetime.fromtimestamp(1714812600.5, dt.timezone.utc)
        assert turns[-1].time == turns[-2].time  # it names none
        assert turns[1].id == "a1"
        assert turns[1].metadata == {
            "source": "chatgpt", "title": "A trip to Lisbon", "model": "gpt-4o",
        }  # fmt: skip

    def test_an_image_is_kept_beside_the_words(self, memory):
        import_conversations(memory, FILES / "chatgpt.json", form="chatgpt", user_id="alice")
        turn = memory.history(user_id="alice", session_id="conv-lisbon")[2]
        assert turn.message["content"]["parts"][0]["asset_pointer"] == "file-service://file-1"

    def test_custom_instructions_are_the_users_words_and_stand_once(self, memory):
        instructions = {"content_type": "user_editable_context", "user_profile": "I am a nurse."}
        about = {"about_user_message": "I am a nurse.", "about_model_message": "Be brief."}
        chats = [
            conversation(
                node("i", None, "u", content=instructions),
                node("u", "i", text="Hello"),
                current="u",
                name="new",
                create_time=1_700_000_100,
            ),
            conversation(
                node("i", None, "u", role="system", metadata={"user_context_message_data": about}),
                node("u", "i", text="Hello"),
                current="u",
                name="old",
                create_time=1_700_000_000,
            ),
        ]
        import_conversations(memory, chats, form="chatgpt", user_id="alice")
        assert sorted(told(memory, "chatgpt:instructions")) == [
            ("user", "Be brief."),
            ("user", "I am a nurse."),
        ]
        assert set(moments(memory, "chatgpt:instructions")) == {"2023-11-14 22:13:20"}
        assert told(memory, "new") == [("user", "Hello")]
        assert memory.recall("What is my job? nurse", user_id="alice").hits

    @pytest.mark.parametrize("wrapped", [False, True])
    def test_custom_instructions_are_the_profile_until_they_are_set_anew(self, memory, wrapped):
        told = "The user provided the additional info about how they would like you to respond:\n"
        about = "The user provided the following information about themselves.\nUser profile:\n"
        profile = "Preferred name: Ann\nRole: nurse"

        def chats(*wishes):
            return [
                conversation(
                    node("i", None, "u", content={
                        "content_type": "user_editable_context",
                        "user_profile": f"{about}```{profile}```" if wrapped else profile,
                        "user_instructions": f"{told}```{wish}```" if wrapped else wish,
                    }),
                    node("u", "i", text="Hello"),
                    current="u", name=str(n), create_time=1_700_000_000 + n,
                )
                for n, wish in reversed(list(enumerate(wishes)))
            ]  # fmt: skip

        old = "Sois bref.\n- Answer in short sentences."
        done = import_conversations(memory, chats("Be formal.", old), form="chatgpt", user_id="u")
        assert done.skipped == 1
        lines = [(line.kind, line.text) for line in memory.profile(user_id="u").lines]
        assert lines == [
            ("instruction", "Sois bref."),
            ("instruction", "Answer in short sentences."),
            ("state", "Preferred name: Ann"),
            ("state", "Role: nurse"),
        ]
        assert memory.recall("What is the role of Ann, a nurse?", user_id="u").hits
        for _ in range(2):
            new = chats("Be formal.", old, "Use metric units.")
            import_conversations(memory, new, form="chatgpt", user_id="u")
            lines = [line.text for line in memory.profile(user_id="u").lines]
            assert lines == ["Use metric units.", "Preferred name: Ann", "Role: nurse"]
        assert [turn.text for turn in memory.history(user_id="u", session_id="chatgpt:instructions")
                if turn.superseded] == [old]  # fmt: skip

    @pytest.mark.parametrize(
        "content",
        [None, {}, {"content_type": "text"}, {"content_type": "text", "parts": None},
         {"content_type": "text", "parts": []}, {"content_type": "text", "parts": ["  ", None]}],
    )  # fmt: skip
    def test_messages_without_content_are_left_out_or_kept_beside(self, memory, content):
        chat = conversation(
            node("a", None, "b", content=content), node("b", "a", text="Hello"), current="b"
        )
        import_conversations(memory, [chat], form="chatgpt", user_id="alice")
        assert [text for _, text in told(memory, "one") if text] == ["Hello"]

    def test_a_tree_without_an_end_is_walked_once(self, memory):
        chat = conversation(
            node("a", "b", "b", text="One."), node("b", "a", "a", text="Two."), current="b"
        )
        import_conversations(memory, [chat], form="chatgpt", user_id="alice")
        assert [text for _, text in told(memory, "one")] == ["One.", "Two."]

    def test_without_a_current_message_the_last_leaf_is_the_end(self, memory):
        chat = conversation(
            node("a", None, "b", text="One."), node("b", "a", text="Two."), current="gone"
        )
        import_conversations(memory, [chat], form="chatgpt", user_id="alice")
        assert [text for _, text in told(memory, "one")] == ["One.", "Two."]

    def test_a_newer_export_takes_what_was_regenerated_out_of_recall(self, memory):
        root = node("a", None, "b", text="Where is the tower?")
        old = conversation(root, node("b", "a", role="assistant", text="In Pisa."), current="b")
        new = conversation(
            root,
            node("b", "a", role="assistant", text="In Pisa."),
            node("c", "a", "d", role="assistant", text="In Belém."),
            node("d", "c", text="Thank you."),
            current="d",
        )
        for chat in (old, new, new):
            import_conversations(memory, [chat], form="chatgpt", user_id="alice")
        turns = memory.history(user_id="alice", session_id="one")
        assert [(turn.text, turn.superseded) for turn in turns] == [
            ("Where is the tower?", False),
            ("In Pisa.", True),
            ("In Belém.", False),
            ("Thank you.", False),
        ]


class TestClaude:
    def test_the_branch_of_the_last_message_is_imported_without_reasoning(self, memory):
        done = import_conversations(memory, FILES / "claude.json", form="claude", user_id="alice")
        assert told(memory, "claude-1") == [
            ("user", "My tomatoes are called San Marzano."),
            ("assistant", "Sow them in March."),
            ("user", "Thank you, I will."),
        ]
        assert (done.turns, done.skipped) == (5, 2)
        messages = [turn.message for turn in memory.history(user_id="alice", session_id="claude-1")]
        assert messages[0]["attachments"][0]["extracted_content"] == "sow in March"
        assert "plum tomatoes." not in str(messages)  # what the model thought

    def test_an_older_export_without_parents_is_imported_whole(self, memory):
        import_conversations(memory, FILES / "claude.json", form="claude", user_id="alice")
        assert told(memory, "claude-2") == [
            ("user", "I keep two hens."),
            ("assistant", "What are they called?"),
        ]
        assert moments(memory, "claude-2") == ["2024-05-01 10:00:00", "2024-05-01 10:00:05"]

    def test_an_export_of_several_accounts_is_not_put_together(self, memory):
        chats = [
            {"uuid": name, "account": {"uuid": name},
             "chat_messages": [{"uuid": "m", "sender": "human", "text": "Hello"}]}
            for name in ("ann", "bob")
        ]  # fmt: skip
        with pytest.raises(ScopeError, match="several"):
            import_conversations(memory, chats, form="claude", user_id="alice")
        assert memory.users() == ()


class TestOpenAI:
    def test_a_message_on_each_line(self, memory):
        done = import_conversations(memory, FILES / "openai.jsonl", form="openai", user_id="alice")
        assert told(memory, "openai") == [
            ("system", "You are a helpful assistant."),
            ("user", "What is the weather in Faro, where my sister Rita lives?"),
            ("assistant", ""),
            ("tool", "sunny"),
            ("assistant", "It is sunny in Faro."),
            ("user", "Is this her street?"),
        ]
        turns = memory.history(user_id="alice", session_id="openai")
        assert {f"{turn.time:%H:%M}" for turn in turns} == {"09:30"}
        assert turns[1].speaker == "Carol"
        assert turns[2].message["tool_calls"][0]["function"]["name"] == "weather"
        assert turns[5].message["content"][0]["type"] == "image_url"
        assert done.skipped == 1

    @pytest.mark.parametrize(
        "source",
        [
            [{"role": "user", "content": "I sing alto."},
             {"role": "assistant", "content": "Nice."}],
            {"messages": [{"role": "user", "content": "I sing alto."},
                          {"role": "assistant", "content": "Nice."}]},
            {"object": "list", "data": [
                {"id": "2", "role": "assistant", "created_at": 1_700_000_002,
                 "content": [{"type": "text", "text": {"value": "Nice.", "annotations": []}}]},
                {"id": "1", "role": "user", "created_at": 1_700_000_001,
                 "content": [{"type": "text", "text": {"value": "I sing alto."}}]}]},
            [{"type": "message", "role": "user",
              "content": [{"type": "input_text", "text": "I sing alto."}]},
             {"type": "reasoning", "summary": []},
             {"type": "message", "role": "assistant",
              "content": [{"type": "output_text", "text": "Nice.", "annotations": []}]}],
        ],
        ids=["list", "object", "thread", "responses"],
    )  # fmt: skip
    def test_lists_as_the_apis_have_them(self, memory, source, tmp_path):
        file = tmp_path / "chat.json"
        file.write_text(json.dumps(source), encoding="utf-8")
        for given, session in ((source, "openai"), (file, "chat")):
            import_conversations(memory, given, form="openai", user_id="alice")
            expected = [("user", "I sing alto."), ("assistant", "Nice.")]
            assert told(memory, session) == expected

    def test_a_conversation_on_each_line(self, memory, tmp_path):
        file = tmp_path / "tuning.jsonl"
        lines = [{"messages": [{"role": "user", "content": f"number {n}"}]} for n in range(3)]
        lines[1]["id"] = "mine"
        file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        import_conversations(memory, file, form="openai", user_id="alice")
        assert set(memory.sessions(user_id="alice")) == {"tuning", "mine", "tuning-2"}

    def test_a_list_that_was_cut_back_and_went_on_adds_only_what_is_new(self, memory):
        said = [{"role": "user", "content": text} for text in ("One.", "Two.", "One.", "Three.")]
        for part in (said[:3], said[1:]):
            import_conversations(memory, part, form="openai", user_id="alice")
        assert [text for _, text in told(memory, "openai")] == ["One.", "Two.", "One.", "Three."]


class TestMemories:
    def test_mem0(self, memory):
        done = import_conversations(memory, FILES / "mem0.json", form="mem0", user_id="alice")
        assert told(memory, "mem0") == [("user", "Loves sci-fi movies")]
        assert told(memory, "mem0:trip") == [("user", "Lives in Porto")]
        (turn,) = memory.history(user_id="alice", session_id="mem0:trip")
        assert (turn.speaker, turn.time.isoformat()) == ("Alice", "2026-02-04T10:15:00-08:00")
        (turn,) = memory.history(user_id="alice", session_id="mem0")
        assert turn.metadata["category"] == "movies"
        assert turn.metadata["mem0_role"] == "fan"  # a name that filters have for the turn itself
        assert turn.metadata["categories"] == ["entertainment"]
        assert done.skipped == 2  # one is empty, one has expired
        assert memory.recall("Where does she live?", user_id="alice", k=1).hits[0].source.agent_id

    def test_a_memory_of_mem0_expires_when_it_did_there(self, memory):
        item = {"id": "1", "memory": "Has a trial.", "expiration_date": "2999-01-31"}
        import_conversations(memory, [item], form="mem0", user_id="alice")
        (turn,) = memory.history(user_id="alice", session_id="mem0")
        assert turn.expires_at == dt.datetime(2999, 2, 1, tzinfo=dt.timezone.utc)

    @pytest.mark.parametrize("kind", ["v1", "pages", "list"])
    def test_the_forms_in_which_get_all_gives_them(self, memory, kind):
        items = json.loads((FILES / "mem0.json").read_text())["results"]
        source = {
            "v1": {"memories": items},
            "pages": [{"count": 4, "next": None, "results": items[:2]}, {"results": items[2:]}],
            "list": items,
        }[kind]
        assert import_conversations(memory, source, form="mem0").turns == 2

    def test_what_is_worded_anew_takes_the_place_of_what_was(self, memory):
        for text, day in (("Lives in Porto", "2026-02-01"), ("Lives in Lisbon", "2026-03-01")):
            item = {"id": "1", "memory": text, "created_at": "2026-01-01", "updated_at": day}
            import_conversations(memory, [item], form="mem0", user_id="alice")
        turns = memory.history(user_id="alice", session_id="mem0")
        assert {turn.text: turn.superseded for turn in turns} == {
            "Lives in Porto": True, "Lives in Lisbon": False,
        }  # fmt: skip

    def test_items_of_a_store_go_to_the_users_that_their_namespaces_name(self, memory):
        done = import_conversations(
            memory, FILES / "langgraph.json", form="langgraph", namespace=PATTERN
        )
        assert set(memory.users()) == {"alice", "bob"}
        assert told(memory, "langgraph:memories/alice") == [
            ("user", "Alice is allergic to nuts."),
            ("user", "Alice plays the cello."),
            ("user", "name: Alice; likes.tea: green; likes.music: Bach, Fado"),
        ]
        first, second, _ = memory.history(user_id="alice", session_id="langgraph:memories/alice")
        assert (first.metadata["topic"], second.metadata["kind"]) == ("food", "Memory")
        assert f"{second.time:%Y-%m-%d}" == "2026-02-02"
        assert done.skipped == 1  # a document

    def test_one_user_gets_only_what_is_hers(self, memory):
        options = {"form": "langmem", "user_id": "alice", "namespace": PATTERN}
        done = import_conversations(memory, FILES / "langgraph.json", **options)
        assert memory.users() == ("alice",)
        assert (done.turns, done.skipped) == (3, 2)
        with pytest.raises(ScopeError, match="put them together"):
            import_conversations(memory, FILES / "langgraph.json", **options | {"user_id": "carol"})

    def test_namespaces_of_several_are_not_put_together(self, memory):
        for options in ({"user_id": "alice"}, {}):
            with pytest.raises(ScopeError, match="namespace='memories/"):
                import_conversations(memory, FILES / "langgraph.json", form="langgraph", **options)
        assert memory.users() == ()

    def test_items_as_a_store_gives_them(self, memory):
        store = InMemoryStore()
        store.put(("memories", "alice"), "k1", {"content": "Alice plays the cello."})
        found = store.search(("memories",))
        done = import_conversations(memory, found, form="langgraph", user_id="alice")
        assert done.turns == 1
        assert told(memory, "langgraph:memories/alice") == [("user", "Alice plays the cello.")]

    def test_memories_as_langmems_manager_gives_them(self, memory):
        langmem = pytest.importorskip("langmem.knowledge.extraction")
        found = [langmem.ExtractedMemory("k1", langmem.Memory(content="Alice plays the cello."))]
        import_conversations(memory, found, form="langmem", user_id="alice")
        assert told(memory, "langmem") == [("user", "Alice plays the cello.")]

    def test_what_names_nobody_needs_a_user(self, memory):
        with pytest.raises(InvalidImportError, match=r"item 1: .*user_id="):
            import_conversations(memory, [{"id": "1", "memory": "Sings."}], form="mem0")
