"""Real command lines, and what each asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.model import WHOLE, Key, Kind, Span
from pichay_core.shell.words import LONGEST
from pichay_core.tools import ARGUMENTS_LENGTH, LABEL_LENGTH, ROWS, canonical_arguments, describe
from tests.strategies import json_values, law

READ, QUERY, RUN = Kind.READ, Kind.QUERY, Kind.RUN

SHELLS = next(names.split() for rule, names in ROWS if rule.shell)


def asked(command, tool="exec_command", **beside):
    return describe("call_1", tool, {"command": command, **beside})


READS: list[tuple[str, str, Span]] = [
    ("cat src/app.py", "src/app.py", WHOLE),
    ("cat ./src//app.py", "src/app.py", WHOLE),
    ("cat -n src/app.py", "src/app.py", WHOLE),
    ("cat -- -odd-", "-odd-", WHOLE),
    ("cat 'a file.txt'", "a file.txt", WHOLE),
    ("cat a\\ file.txt", "a file.txt", WHOLE),
    ('cat "(a file)"', "(a file)", WHOLE),
    ("cat ~/.config/x", "~/.config/x", WHOLE),
    ("cat src/app.py 2>/dev/null", "src/app.py", WHOLE),
    ("cat src/app.py 2>&1", "src/app.py", WHOLE),
    ("cat src/app.py  # the whole of it", "src/app.py", WHOLE),
    ("cat src/app.py;", "src/app.py", WHOLE),
    ("\ncat src/app.py\n", "src/app.py", WHOLE),
    ("nl -ba src/app.py", "src/app.py", WHOLE),
    ("nl -b a -w 4 src/app.py", "src/app.py", WHOLE),
    ("sed -n '1,120p' src/app.py", "src/app.py", Span(1, 120)),
    ("sed -n 40p src/app.py", "src/app.py", Span(40, 40)),
    ("sed -n '40,$p' src/app.py", "src/app.py", Span(40)),
    ("sed -n '40,+9p' src/app.py", "src/app.py", Span(40, 49)),
    ("sed -n '40,9p' src/app.py", "src/app.py", Span(40, 40)),
    ("sed -n -e '5,9p' src/app.py", "src/app.py", Span(5, 9)),
    ("sed -n '5,9p;9q' src/app.py", "src/app.py", Span(5, 9)),
    ("sed 20q src/app.py", "src/app.py", Span(1, 20)),
    ("awk 'NR>=5 && NR<=9' src/app.py", "src/app.py", Span(5, 9)),
    ("awk 'NR>=5 && NR<=9 {print NR\": \"$0}' src/app.py", "src/app.py", Span(5, 9)),
    ("head src/app.py", "src/app.py", Span(1, 10)),
    ("head -n 50 src/app.py", "src/app.py", Span(1, 50)),
    ("head -n50 src/app.py", "src/app.py", Span(1, 50)),
    ("head -50 src/app.py", "src/app.py", Span(1, 50)),
    ("head --lines=50 src/app.py", "src/app.py", Span(1, 50)),
    ("tail -n +200 src/app.py", "src/app.py", Span(200)),
    ("tail -n +0 src/app.py", "src/app.py", WHOLE),
    ("nl -ba src/app.py | sed -n '10,20p'", "src/app.py", Span(10, 20)),
    ("cat src/app.py | head -n 30", "src/app.py", Span(1, 30)),
    ("cat src/app.py | sed -n '10,20p' | nl", "src/app.py", Span(10, 20)),
    ("tail -n +200 src/app.py | head -50", "src/app.py", Span(200, 249)),
    ("head -n 249 src/app.py | tail -n +200", "src/app.py", Span(200, 249)),
    ("head -20 src/app.py | sed -n '10,90p'", "src/app.py", Span(10, 20)),
    ("cd /p && cat src/app.py", "/p/src/app.py", WHOLE),
    ("cd /p && cd src; cat app.py", "/p/src/app.py", WHOLE),
    ("cd sub\nhead -5 app.py", "sub/app.py", Span(1, 5)),
    ("bash -lc 'cat src/app.py'", "src/app.py", WHOLE),
]


@pytest.mark.parametrize(("command", "path", "span"), READS)
def test_a_command_that_shows_one_file_is_a_read_of_it(command, path, span):
    call = asked(command)
    assert (call.kind, call.key) == (READ, Key("exec_command", path, span))
    assert call.writes is None


QUERIES: list[tuple[str, str]] = [
    ("ls", "ls"),
    ("ls -la src", "ls -la src"),
    ("rg -n 'def total' src", "rg -n 'def total' src"),
    ('rg -n "def total"   src', "rg -n 'def total' src"),
    ("rg --files -g '*.py' | head -80", "rg --files -g '*.py' | head -80"),
    ("rg -n x src/*.py", "rg -n x src/*.py"),
    ('grep -n "end$" a.py', "grep -n 'end$' a.py"),
    ("grep -rn TODO . --include=*.py 2>/dev/null", "grep -rn TODO . --include=*.py"),
    ("grep -rn x src | sort | uniq -c", "grep -rn x src | sort | uniq -c"),
    ("find . -name '*.py' -not -path './.git/*'", "find . -name '*.py' -not -path './.git/*'"),
    ("find . \\( -name a -o -name b \\)", "find . '(' -name a -o -name b ')'"),
    ("find . -name a.py | xargs grep -n x", "find . -name a.py | xargs grep -n x"),
    ("wc -l src/*.py", "wc -l src/*.py"),
    ("cat a.py b.py", "cat a.py b.py"),
    ("cat src/*.py", "cat src/*.py"),
    ("cat a.py | grep -n x", "cat a.py | grep -n x"),
    ("cat a.py | tr a b | cut -c1-80", "cat a.py | tr a b | cut -c1-80"),
    ("cat a.json | jq .x", "cat a.json | jq .x"),
    ("tail -n 20 a.log", "tail -n 20 a.log"),
    ("head -c 200 a.bin", "head -c 200 a.bin"),
    ("sed -n '/def a/,/^$/p' a.py", "sed -n '/def a/,/^$/p' a.py"),
    ("sed 's/a/b/g' a.py", "sed s/a/b/g a.py"),
    ("awk '{print $1}' a.txt", "awk '{print $1}' a.txt"),
    ("git status --short", "git status --short"),
    ("git -C /p --no-pager log --oneline -5", "git -C /p --no-pager log --oneline -5"),
    ("git diff HEAD~1 -- a.py", "git diff 'HEAD~1' -- a.py"),
    ("git show HEAD:a.py", "git show HEAD:a.py"),
    ("git blame -L 1,9 a.py", "git blame -L 1,9 a.py"),
    ("git ls-files | wc -l", "git ls-files | wc -l"),
    ("git branch -a", "git branch -a"),
    ("git branch --contains v1", "git branch --contains v1"),
    ("git remote -v", "git remote -v"),
    ("git stash list", "git stash list"),
    ("git config --get user.name", "git config --get user.name"),
    ("ls && cat a.py", "ls && cat a.py"),
    ("ls -la\nhead -5 a.py", "ls -la ; head -5 a.py"),
    ("cat a.py; echo ---; cat b.py", "cat a.py ; echo --- ; cat b.py"),
    ("test -f a.py && cat a.py || echo none", "test -f a.py && cat a.py || echo none"),
    ("cd /p && ls", "cd /p && ls"),
    ("cd /p && git log |\n head", "cd /p && git log | head"),
    ("pwd && ls \\\n  -la", "pwd && ls -la"),
    ("sort -k2,2 -u a.txt", "sort -k2,2 -u a.txt"),
]


@pytest.mark.parametrize(("command", "line"), QUERIES)
def test_any_other_pure_read_is_addressed_by_its_words(command, line):
    call = asked(command)
    assert (call.kind, call.key) == (QUERY, Key("exec_command", line))
    assert call.label == " ".join(command.split())


RUNS = [
    "", " ", "\n", ";", "&&", "|", "pytest -q", "make", "npm test 2>&1 | tail -5", "python3 x.py",
    "cat a > b", "cat a >b", "cat a >> b", "cat a 2> err", "cat a 2>/dev/nullx", "cat a &> b",
    "cat > a <<'EOF'\nx\nEOF", "cat < a", "cat <<< a", "cat <(ls)", ">a", "2>&1 cat a",
    "cat a | tee b", "cat a |& grep b", "cat a &", "cat a & ls", "(cat a)", "{ cat a; }", "cat $F",
    'cat "$F"', "cat ${F}", "cat $(ls)", 'cat "$(ls)"', "cat `ls`", 'cat "`ls`"', "X=1 cat a",
    "for f in a b; do cat x; done", "if true; then cat a; fi", "! cat a", "sed -i s/a/b/ a",
    "sed -n 's/a/b/w out' a", "sed 's/a/ls/e' a", "sed -n '1w out' a", "sed -f prog a",
    "sed --in-place s/a/b/ a", "sed --i s/a/b/ a", "sed -ni 1p a", "sed e a",
    "awk '{print > \"out\"}' a", "awk '{system(\"rm x\")}' a", "awk -f prog a",
    "awk -i inplace 1 a", "awk '{print | \"sh\"}' a", "awk '{\"ls\" | getline}' a",
    "find . -name x -delete", "find . -exec rm {} ;", "find . -exec cat {} \\;", "find . -ok rm",
    "find . -fprint out", "find . -fls out", "fd x -x rm", "fd -Hx rm", "rg --pre sh x",
    "sort -o a a", "sort -uo a b", "sort --output=a b", "uniq a b", "tree -o out", "tail -f a.log",
    "tail -n5 -F a.log", "xargs rm", "find . | xargs sh -c x", "find . | xargs -n 1 echo",
    "git commit -m x", "git checkout a", "git add .", "git stash", "git branch new",
    "git branch -D a", "git branch -a -D a", "git tag v1", "git push", "git fetch", "git pull",
    "git remote add o u", "git config user.name x", "git -c core.pager=sh log",
    "git diff --output=x", "git grep -Osh x", "git grep -nOsh x", "git log --ext-diff",
    "git reflog expire", "git", "git -C", "git worktree add x", "ls; rm a", "ls && make",
    "cat a || exit 1", "cd /p", "cd /p && make", "cd", "pwd", "echo hi", "sudo cat a",
    "bash -lc 'rm a'", "bash -lc 'bash -lc \"cat a\"'", "bash x.sh", "sh -c", "eval cat a",
    "cat 'a", 'cat "a', "cat a\\", "cat C:\\x", "cat a &&", "cat a ||", "cat a |", "| cat a",
    "ls ;; ls", "cat a\0", "*", "command rm a", "perl -ne print a", "watch ls", "yes", "seq 1 400",
    "cat " + "a" * LONGEST, "cat a\x01",
]  # fmt: skip


@pytest.mark.parametrize("command", RUNS)
def test_what_may_do_more_than_read_is_not_taken_for_a_read(command):
    call = asked(command)
    assert (call.kind, call.key) == (RUN, None)


@pytest.mark.parametrize("tool", [*SHELLS, "Bash", "container.exec", "mcp__box__bash"])
def test_every_shell_is_read_alike(tool):
    assert asked("cat a.py", tool).key == Key(tool, "a.py")
    assert asked("ls", tool).key == Key(tool, "ls")
    assert asked("make", tool).key is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"command": "cat src/a.py", "workdir": "/p"},
        {"cmd": "cat src/a.py", "workdir": "/p", "yield_time_ms": 1000, "max_output_tokens": 9},
        {"command": "cat a.py", "cwd": "/p/src"},
        {"command": "cat ../src/a.py", "cwd": "/p/src/"},
        {"command": "cat /p/src/a.py", "cwd": "/elsewhere"},
        {"command": "cd src && cat a.py", "workdir": "/p"},
        {"command": "cd /p/src && cat a.py", "workdir": "/elsewhere", "description": "Look"},
        {"command": ["bash", "-lc", "cat src/a.py"], "workdir": "/p"},
        {"command": ["/bin/zsh", "-c", "cat a.py"], "working_directory": "/p/src"},
        {"command": ["cat", "/p/src/a.py"]},
        {"commands": ["cat /p/src/a.py"]},
        {"commands": [{"command": "cat /p/src/a.py"}]},
        {"commands": ["cd /p/src", "cat a.py"]},
        {"command": "cat a.py", "dir_path": "/p/src", "is_background": False, "is_input": "false"},
    ],
)
def test_a_file_has_one_key_however_the_client_says_where_it_is(arguments):
    assert describe("1", "shell", arguments).key == Key("shell", "/p/src/a.py")


@pytest.mark.parametrize(
    "beside", [{"run_in_background": True}, {"is_background": "true"}, {"is_input": True}]
)
def test_a_command_that_goes_on_or_is_none_is_not_a_read(beside):
    assert asked("cat a.py", **beside).kind is RUN


@pytest.mark.parametrize(
    "command", [["cat", 7], ["cat", None], [[]], {}, 7, [], ["bash", "-lc", "cat a > b"],
                ["bash", "-x", "cat a"], ["cat", "a\0"], ["rm", "a"], ["cat a > b"]]
)  # fmt: skip
def test_a_command_of_an_odd_shape_is_not_a_read(command):
    assert asked(command).kind is RUN


def test_words_given_one_by_one_stand_for_themselves():
    assert asked(["cat", "*.py"]).key == Key("exec_command", "*.py")
    assert asked(["cat", "$x > y"]).key == Key("exec_command", "$x > y")
    assert asked(["rg", "-n", "a|b", "src"]).key == Key("exec_command", "rg -n 'a|b' src")
    assert asked(["rg", "-n", "a|b", "src"]).label == "rg -n 'a|b' src"
    assert asked(["bash", "-lc", "make all"]).label == "make all"


@pytest.mark.parametrize(
    "spellings",
    [
        ["sed -n 1,5p f", "sed -n '1,5p' f", 'sed -n "1,5p" ./f', "sed  -n\t1,5p f 2>&1",
         "head -5 f", "head -n 5 -- f", "cat f | head -n5", "nl -ba f | sed -n 1,5p"],
        ["cat f", 'cat "f"', "cat 'f' ;", "nl -ba f", "tail -n +1 f", "sed -n '1,$p' f"],
        ["rg 'a b' src", 'rg "a b" src', "rg a\\ b src 2>/dev/null", "rg a' 'b src\n"],
        ["ls; pwd", "ls\npwd", "ls ; pwd;", "ls # all\n\npwd"],
        ['grep "a\\"b" f', "grep 'a\"b' f", 'grep a\\"b f'],
    ],
)  # fmt: skip
def test_what_means_the_same_has_the_same_key(spellings):
    keys = {asked(command).key for command in spellings}
    assert len(keys) == 1 and None not in keys


def test_what_means_something_else_has_another_key():
    lines = [
        "rg *.py",
        "rg '*.py'",
        "rg a b",
        "rg 'a b'",
        "rg a; ls b",
        "rg a | ls b",
        "rg a && ls b",
    ]
    assert len({asked(line).key for line in lines}) == len(lines)
    assert asked("ls", workdir="/a").key != asked("ls", workdir="/b").key


def test_a_read_is_known_by_its_path_and_lines_and_a_query_by_the_command():
    assert asked("sed -n '1,80p' src/a.py", workdir="/p").label == "src/a.py lines 1-80"
    assert asked("cd src && cat a.py", workdir="/p").label == "src/a.py"
    assert asked("ls -la | sort", workdir="/p").label == "ls -la | sort"


def test_a_range_names_the_same_thing_as_the_whole():
    whole, part = asked("cat a.py").key, asked("sed -n '5,9p' a.py").key
    assert whole and part and part.same_thing(whole)
    assert whole.span.covers(part.span) and not part.span.covers(whole.span)


@given(
    st.sampled_from(["command", "cmd", "commands"]),
    st.sampled_from(["workdir", "cwd", "directory"]),
    json_values,
    json_values,
)
@law
def test_any_arguments_of_a_shell_can_be_described(name, place, command, folder):
    call = describe("1", "shell", {name: command, place: folder})
    assert (call.key is None) == (call.kind is RUN)
    assert len(call.label) <= LABEL_LENGTH and call.label.isprintable()


commands = st.sampled_from([command for command, *_ in (*READS, *QUERIES)])
shell_texts = st.lists(
    st.one_of(commands, st.text(max_size=6), st.sampled_from(list("'\"\\ \n\t|&;#$`(){}<>*~!2"))),
    max_size=6,
).map("".join)


@given(shell_texts)
@law
def test_any_command_line_can_be_described(text):
    call = asked(text)
    assert call == asked(text)
    assert (call.key is None) == (call.kind is RUN)
    assert call.key is None or len(call.key.target) <= max(ARGUMENTS_LENGTH, LONGEST)


HARM = ["> out", ">> out", ">out", "2> out", "&> out", "< in", "<<EOF", "$(ls)", '"$(ls)"', "`ls`",
        "$HOME", '"${x}"', "<(ls)", "& ls", "; rm a", "&& make", "| tee out", "| sh"]  # fmt: skip


@given(commands, st.sampled_from(HARM))
@law
def test_a_redirection_or_a_substitution_is_never_part_of_a_read(command, harm):
    command = command.rstrip("\n;").partition("#")[0]
    assert asked(f"{command} {harm}").kind is RUN
    assert asked(f"{harm} {command}").kind is RUN


@given(commands)
@law
def test_the_one_spelling_of_a_query_is_a_spelling_of_it(command):
    call = asked(command)
    if call.kind is QUERY:
        assert call.key is not None
        assert asked(call.key.target).key == call.key


def test_a_very_long_command_or_folder_is_not_understood():
    long = "rg " + "x" * (LONGEST - 3)
    assert asked(long).kind is QUERY
    assert asked(long + "x").kind is RUN
    assert asked("ls", workdir="/" * (LONGEST + 1)).kind is RUN
    key = asked(long, workdir="/" * LONGEST).key
    assert key is not None and key.target.startswith("sha256:")
    assert asked(long).arguments == canonical_arguments({"command": long})


@pytest.mark.parametrize(
    "command",
    [
        "sed '" + "p;" * 900,
        "sed '" + "p ; " * 400 + "w'",
        "sed '" + "s/a/b/;" * 250 + "w'",
        "sed '/" + "\\" * 1500 + "'",
        "git branch " + "--list " * 250 + "-D",
        "git branch " + "--contains x " * 120 + "-D x",
        "git reflog " + "-a " * 500 + "x",
        "cat " + "a\\ " * 600 + "$",
        '"' + "a" * 1900,
        "'a'" * 600 + "$",
        "awk 'NR>=1 && NR<=2" + " " * 1900 + "x' f",
        "awk 'NR>=1 && NR<=2 {print" + " {" * 900 + "' f",
        " " * 1900 + "$",
        "cat a |" * 250,
    ],
)
def test_no_command_takes_long_to_refuse(command):
    assert asked(command).kind is not READ
