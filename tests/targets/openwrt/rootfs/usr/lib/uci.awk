# The work of ./uci. A package is kept in arrays: section i has TYPE[i], NAME[i], ANON[i] and OPTIONS[i] options; option j of it
# has OPTION[i,j], LIST[i,j] (1: a list), VALUES[i,j] and VALUE[i,j,k]. The delta file holds words in libuci's own form:
# pkg.sec.opt='value', -pkg.sec.opt, |pkg.sec.opt='value' (add_list), ~… (del_list), +pkg.cfg='type' (add).

BEGIN {
	CONFIG = ENVIRON["UCI_CONFIG"]; DELTA = ENVIRON["UCI_DELTA"]; QUIET = ENVIRON["UCI_QUIET"] + 0
	count = 0
	for (i = 1; i < ARGC; i++) words[++count] = ARGV[i]
	exit run(words, count)
}

function run(words, count,   verb) {
	verb = words[1]
	ERROR = ""
	if (verb == "batch") return batch()
	if (verb == "show" || verb == "export" || verb == "changes") every(verb, words[2])
	else if (verb == "commit" || verb == "revert") { if (count > 1) every(verb, words[2]); else every(verb, "") }
	else if (count != 2 + (verb == "add")) ERROR = "Invalid argument"
	else if (verb == "get") get(words[2])
	else if (verb == "add") add(words[2], words[3])
	else if (verb ~ /^(set|delete|add_list|del_list)$/) stage(verb, words[2])
	else { print "Unknown command" > "/dev/stderr"; return 255 }
	if (ERROR == "") return 0
	if (!QUIET) print "uci: " ERROR > "/dev/stderr"
	return 1
}

function batch(   text, line, words, i, n, here) {
	text = ""
	ARGC = 1 # so that a bare getline reads standard input
	while ((getline line) > 0) text = text line "\n"
	here = 1
	while ((here = statement(text, here)) > 0) {
		n = NW
		if (!n) continue
		for (i = 1; i <= n; i++) words[i] = W[i]
		run(words, n)
	}
	return 0
}

# --- text ---------------------------------------------------------------------------------------------------------------

# The words of the statement that begins at `at` into W[1..NW]; returns where the next begins, 0 at the end of the text.
function statement(text, at,   c, word, open, end) {
	NW = 0; word = ""; open = 0; end = length(text)
	if (at > end) return 0
	while (at <= end) {
		c = substr(text, at++, 1)
		if (c == "'") {
			open = 1
			while (at <= end && (c = substr(text, at++, 1)) != "'") word = word c
		} else if (c == "\"") {
			open = 1
			while (at <= end && (c = substr(text, at++, 1)) != "\"") {
				if (c == "\\") c = substr(text, at++, 1)
				word = word c
			}
		} else if (c == "\\") { open = 1; word = word substr(text, at++, 1) }
		else if (c == "#" && !open) while (at <= end && substr(text, at, 1) != "\n") at++
		else if (c == " " || c == "\t" || c == "\r") { if (open) W[++NW] = word; word = ""; open = 0 }
		else if (c == "\n" || c == ";") { if (open) W[++NW] = word; return at }
		else { open = 1; word = word c }
	}
	if (open) W[++NW] = word
	return at
}

function quoted(text,   out, i, c) {
	out = ""
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		out = out (c == "'" ? "'\\''" : c)
	}
	return "'" out "'"
}

function slurp(path,   line, text) {
	text = ""
	THERE = 0
	while ((getline line < path) > 0) { text = text line "\n"; THERE = 1 }
	close(path)
	return text
}

# Splits pkg[.sec[.opt]][=value] into PKG, SEC, OPT, HAS, VAL; 0 when it is no such thing.
function pointer(word,   at, path, n, parts) {
	at = index(word, "=")
	HAS = at > 0
	path = HAS ? substr(word, 1, at - 1) : word
	VAL = HAS ? substr(word, at + 1) : ""
	n = split(path, parts, ".")
	PKG = parts[1]; SEC = n > 1 ? parts[2] : ""; OPT = n > 2 ? parts[3] : ""
	if (n > 3 || PKG !~ /^[A-Za-z0-9_-]+$/) return 0
	if (SEC != "" && SEC !~ /^([A-Za-z0-9_]+|@[A-Za-z0-9_-]+\[-?[0-9]+\])$/) return 0
	return OPT == "" || OPT ~ /^[A-Za-z0-9_]+$/
}

# --- the package in memory ----------------------------------------------------------------------------------------------

function load(pkg,   text, at, i) {
	NS = 0
	if (system("[ -e \"$UCI_CONFIG\"/" pkg " ]") != 0) { ERROR = "Entry not found"; return 0 }
	text = slurp(CONFIG "/" pkg)
	at = 1
	while ((at = statement(text, at)) > 0) if (NW) parsed()
	text = slurp(DELTA "/" pkg)
	at = 1
	while ((at = statement(text, at)) > 0) if (NW) replay(W[1])
	return 1
}

function parsed() {
	if (W[1] == "config") section(W[2], NW > 2 ? W[3] : "")
	else if (W[1] == "option") put(NS, W[2], W[3])
	else if (W[1] == "list") append(NS, W[2], W[3])
}

function section(type, name) {
	NS++
	TYPE[NS] = type; ANON[NS] = name == ""; OPTIONS[NS] = 0
	NAME[NS] = name == "" ? sprintf("cfg%02x%04x", NS, length(type) * 257) : name
	return NS
}

function find(name,   type, at, wanted, i, hits) {
	if (name !~ /^@/) { for (i = 1; i <= NS; i++) if (NAME[i] == name) return i; return 0 }
	at = index(name, "[")
	type = substr(name, 2, at - 2)
	wanted = substr(name, at + 1) + 0
	if (wanted < 0) for (i = 1; i <= NS; i++) if (TYPE[i] == type) wanted++
	hits = 0
	if (substr(name, at + 1, 1) == "-" && wanted < 0) return 0
	for (i = 1; i <= NS; i++) if (TYPE[i] == type && hits++ == wanted) return i
	return 0
}

function option(i, name,   j) { for (j = 1; j <= OPTIONS[i]; j++) if (OPTION[i, j] == name) return j; return 0 }

function room(i, name,   j) {
	j = option(i, name)
	if (!j) { j = ++OPTIONS[i]; OPTION[i, j] = name; VALUES[i, j] = 0; LIST[i, j] = 0 }
	return j
}

function put(i, name, value,   j) { j = room(i, name); LIST[i, j] = 0; VALUES[i, j] = 1; VALUE[i, j, 1] = value }
function append(i, name, value,   j) { j = room(i, name); LIST[i, j] = 1; VALUE[i, j, ++VALUES[i, j]] = value }

function drop_value(i, name, value,   j, k, kept) {
	j = option(i, name)
	if (!j) return
	kept = 0
	for (k = 1; k <= VALUES[i, j]; k++) if (VALUE[i, j, k] != value) VALUE[i, j, ++kept] = VALUE[i, j, k]
	VALUES[i, j] = kept
	if (!kept) drop_option(i, j)
}

function move_option(from_i, from_j, i, j,   k) {
	OPTION[i, j] = OPTION[from_i, from_j]; LIST[i, j] = LIST[from_i, from_j]; VALUES[i, j] = VALUES[from_i, from_j]
	for (k = 1; k <= VALUES[i, j]; k++) VALUE[i, j, k] = VALUE[from_i, from_j, k]
}

function drop_option(i, j) { for (; j < OPTIONS[i]; j++) move_option(i, j + 1, i, j); OPTIONS[i]-- }

function drop_section(i,   j) {
	for (; i < NS; i++) {
		TYPE[i] = TYPE[i + 1]; NAME[i] = NAME[i + 1]; ANON[i] = ANON[i + 1]; OPTIONS[i] = OPTIONS[i + 1]
		for (j = 1; j <= OPTIONS[i]; j++) move_option(i + 1, j, i, j)
	}
	NS--
}

# One staged word, done to the arrays; a word that no longer fits is skipped, as libuci does. Returns 0 then.
function replay(word,   sign, i, j) {
	sign = substr(word, 1, 1)
	if (sign ~ /[-+|~]/) word = substr(word, 2); else sign = ""
	if (!pointer(word)) return 0
	if (sign == "+") { i = section(VAL, ""); NAME[i] = SEC; return 1 }
	i = find(SEC)
	if (sign == "" && OPT == "") { if (i) { TYPE[i] = VAL; return 1 } return section(VAL, SEC) }
	if (!i) return 0
	if (sign == "") put(i, OPT, VAL)
	else if (sign == "|") append(i, OPT, VAL)
	else if (sign == "~") drop_value(i, OPT, VAL)
	else if (OPT == "") drop_section(i)
	else { j = option(i, OPT); if (!j) return 0; drop_option(i, j) }
	return 1
}

# --- verbs --------------------------------------------------------------------------------------------------------------

function stage(verb, word,   i, sign, line) {
	if (!pointer(word) || SEC == "" || (verb ~ /_list$/ && OPT == "") || (verb != "delete" && !HAS)) { ERROR = "Invalid argument"; return }
	if (VAL ~ /[\001-\010\013\014\016-\037]/) { ERROR = "Invalid argument"; return }
	line = word
	if (!load(PKG_OF(line))) return
	pointer(line)
	i = find(SEC)
	if (!i && (verb != "set" || OPT != "" || SEC ~ /^@/)) { ERROR = verb == "delete" ? "Entry not found" : "Invalid argument"; return }
	if (i) SEC = NAME[i]
	sign = verb == "delete" || (verb == "set" && VAL == "") ? "-" : verb == "add_list" ? "|" : verb == "del_list" ? "~" : ""
	if (sign == "-" && OPT != "" && !option(i, OPT)) { if (verb == "delete") ERROR = "Entry not found"; return }
	noted(PKG, sign PKG "." SEC (OPT == "" ? "" : "." OPT) (sign == "-" ? "" : "=" quoted(VAL)))
}

function PKG_OF(word) { pointer(word); return PKG }

function noted(pkg, line) { print line >> (DELTA "/" pkg); close(DELTA "/" pkg) }

function add(pkg, type,   i) {
	if (pkg !~ /^[A-Za-z0-9_-]+$/ || !load(pkg)) return
	i = section(type, "")
	NAME[i] = NAME[i] "a"
	noted(pkg, "+" pkg "." NAME[i] "=" quoted(type))
	print NAME[i]
}

function get(word,   i, j, k, line) {
	if (!pointer(word) || SEC == "") { ERROR = "Invalid argument"; return }
	line = word
	if (!load(PKG)) return
	pointer(line)
	i = find(SEC)
	j = OPT == "" ? 0 : option(i, OPT)
	if (!i || (OPT != "" && !j)) { ERROR = "Entry not found"; return }
	if (!j) { print TYPE[i]; return }
	line = VALUE[i, j, 1]
	for (k = 2; k <= VALUES[i, j]; k++) line = line " " VALUE[i, j, k]
	print line
}

function every(verb, word,   command, pkg) {
	if (word != "") {
		if (!pointer(word)) ERROR = "Invalid argument"
		else one(verb, word)
		return
	}
	command = "ls \"$" (verb == "show" || verb == "export" ? "UCI_CONFIG" : "UCI_DELTA") "\""
	while ((command | getline pkg) > 0) if (pkg ~ /^[A-Za-z0-9_-]+$/) one(verb, pkg)
	close(command)
}

function one(verb, word,   pkg, i, sec, opt) {
	pkg = PKG_OF(word)
	if (verb == "changes") { printf "%s", slurp(DELTA "/" pkg); return }
	if (verb == "revert") { system("rm -f \"$UCI_DELTA\"/" pkg); return }
	if (!load(pkg)) return
	if (verb == "export") { printf "package %s\n%s\n", pkg, serialised(ENVIRON["UCI_NAMES"] + 0); return }
	if (verb == "commit") { commit(pkg); return }
	pointer(word)
	sec = SEC; opt = OPT
	if (sec != "" && !find(sec)) { ERROR = "Entry not found"; return }
	for (i = 1; i <= NS; i++) if (sec == "" || find(sec) == i) shown(pkg, i, opt)
}

function shown(pkg, i, opt,   head, j, k, line) {
	head = pkg "." (ANON[i] ? "@" TYPE[i] "[" nth(i) "]" : NAME[i])
	if (opt == "") print head "=" TYPE[i]
	for (j = 1; j <= OPTIONS[i]; j++) {
		if (opt != "" && OPTION[i, j] != opt) continue
		line = quoted(VALUE[i, j, 1])
		for (k = 2; k <= VALUES[i, j]; k++) line = line " " quoted(VALUE[i, j, k])
		print head "." OPTION[i, j] "=" line
	}
}

function nth(i,   n, j) { n = 0; for (j = 1; j < i; j++) n += TYPE[j] == TYPE[i]; return n }

function serialised(named,   text, i, j, k) {
	text = ""
	for (i = 1; i <= NS; i++) {
		text = text "\nconfig " TYPE[i] (ANON[i] && !named ? "" : " " quoted(NAME[i])) "\n"
		for (j = 1; j <= OPTIONS[i]; j++)
			for (k = 1; k <= VALUES[i, j]; k++)
				text = text "\t" (LIST[i, j] ? "list " : "option ") OPTION[i, j] " " quoted(VALUE[i, j, k]) "\n"
	}
	return text
}

function commit(pkg,   draft) {
	if (system("[ -s \"$UCI_DELTA\"/" pkg " ]") != 0) return
	draft = CONFIG "/." pkg ".uci"
	printf "%s\n", serialised(0) > draft
	close(draft)
	system("mv \"$UCI_CONFIG\"/." pkg ".uci \"$UCI_CONFIG\"/" pkg " && rm -f \"$UCI_DELTA\"/" pkg)
}
