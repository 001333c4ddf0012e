//! URLs as they are shown: without what is secret in them.

/// What stands for a secret.
pub(crate) const HIDDEN: &str = "***";

/// A URL, or a path, without the values of the parameters that are secret by their names.
pub(crate) fn url(text: &str) -> String {
    const BETWEEN: [char; 4] = ['?', '#', '&', ';'];
    let (place, parameters) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
    let shown = parameters.split_inclusive(BETWEEN).map(|part| {
        let (parameter, after) = part.split_at(part.trim_end_matches(BETWEEN).len());
        match parameter.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret(name) => format!("{name}={HIDDEN}{after}"),
            _ => part.to_owned(),
        }
    });
    place.to_owned() + &shown.collect::<String>()
}

/// Whether a parameter of this name is one that nobody else should see.
fn is_secret(name: &str) -> bool {
    const TELLING: [&str; 11] =
        ["key", "token", "secret", "pass", "pwd", "auth", "sig", "jwt", "session", "credential", "code"];
    let name = name.to_ascii_lowercase();
    // Short ones are parts of other words, too.
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    TELLING.iter().any(|part| name.contains(part)) || words.any(|word| ["pw", "pat", "otp", "pin"].contains(&word))
}

/// The words of a command, without the values of what is secret by its name, passwords in URLs and in what drivers take
/// for one, and whatever of `known` stands in them.
pub(crate) fn words(words: &[String], known: &[(String, String)]) -> Vec<String> {
    let mut shown = Vec::with_capacity(words.len());
    let mut value_is_secret = false;
    let mut last = "";
    for word in words {
        let is_scheme = ["Bearer", "Basic"].contains(&word.as_str());
        let of_user = ["-u", "--user"].contains(&last).then(|| word.split_once(':')).flatten();
        // `--user=ada:x` and `-uada:x`.
        let joined =
            word.strip_prefix("--user=").or_else(|| word.strip_prefix("-u").filter(|_| !word.starts_with("-url")));
        let of_user = of_user.or_else(|| {
            let (user, password) = joined?.split_once(':')?;
            let before = word.len() - joined?.len();
            (!password.starts_with("//")).then(|| (word.get(..before + user.len()).unwrap_or_default(), password))
        });
        let hidden = match of_user {
            _ if value_is_secret && !word.starts_with('-') && !is_scheme => HIDDEN.to_owned(),
            Some((user, password)) if !password.is_empty() => format!("{user}:{HIDDEN}"),
            // A value with blanks in it; after `-c` it is a command.
            _ if last != "-c" && assigns(word) => {
                format!("{}={HIDDEN}", word.split('=').next().unwrap_or_default())
            }
            Some(_) | None => self::word(word),
        };
        let hidden = known
            .iter()
            .filter(|(name, value)| value.len() >= if is_secret(name) { SHORTEST } else { TELLING })
            .fold(hidden, |shown, (_, value)| shown.replace(value.as_str(), HIDDEN));
        // `--token`, or a header's name in the words of a shell: `'Authorization: Bearer`.
        let names_it = word.starts_with('-') && !word.contains('=') || word.ends_with(':');
        value_is_secret =
            names_it && is_secret(word) || value_is_secret && ["Bearer", "Basic"].contains(&word.as_str());
        last = word;
        shown.push(hidden);
    }
    shown
}

/// Whether it is `NAME=VALUE` with a secret in it that has blanks.
fn assigns(word: &str) -> bool {
    let is_name =
        |name: &str| is_secret(name) && !name.contains(|c: char| c.is_whitespace() || "/?:@;,'\"".contains(c));
    word.split_once('=').is_some_and(|(name, value)| is_name(name) && value.contains(char::is_whitespace))
}

/// A command as somebody wrote it for a shell, in the same way.
pub(crate) fn command(text: &str) -> String {
    let parts = parts(text);
    let plain: Vec<String> = parts.iter().map(|(_, word)| word.clone()).collect();
    let shown = parts.iter().zip(words(&plain, &[])).map(|((raw, word), shown)| {
        let quote = raw.chars().next().filter(|first| ['\'', '"'].contains(first) && raw.ends_with(*first));
        match quote {
            // As it was written, where nothing is to be hidden.
            _ if shown == *word => raw.clone(),
            Some(quote) => format!("{quote}{shown}{quote}"),
            None => shown,
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// The words of a command as they are written, and as a shell takes them: a word may have blanks in its quotes. A quote that
/// does not end goes to the end.
fn parts(text: &str) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    let (mut raw, mut word) = (String::new(), String::new());
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            if !raw.is_empty() {
                parts.push((std::mem::take(&mut raw), std::mem::take(&mut word)));
            }
            continue;
        }
        raw.push(c);
        if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && ['\'', '"'].contains(&c) {
            quote = Some(c);
        } else if c == '\\' && quote != Some('\'') {
            let escaped = chars.next();
            raw.extend(escaped);
            word.extend(escaped);
        } else {
            word.push(c);
        }
    }
    if !raw.is_empty() {
        parts.push((raw, word));
    }
    parts
}

/// A value that is shorter stands in too many other words.
const SHORTEST: usize = 4;

/// One of a variable whose name says nothing of a secret may be one all the same, if it is as long as this.
const TELLING: usize = 16;

fn word(word: &str) -> String {
    // What a shell is given.
    if word.contains(char::is_whitespace) {
        return command(word);
    }
    if let Some((name, value)) = word.split_once(':')
        && !value.is_empty()
        && is_secret(name)
        && !name.contains(['/', '?', '=', '@'])
        && !value.starts_with("//")
    {
        return format!("{name}:{HIDDEN}");
    }
    if let Some((name, value)) = word.split_once('=')
        && !value.is_empty()
        && is_secret(name)
        && !name.contains(['/', ' ', '?', ':', '@', ';', ','])
    {
        return format!("{name}={HIDDEN}");
    }
    // `--set=db.password=x`
    if let Some((name, value)) = word.rsplit_once('=')
        && !value.is_empty()
        && name.rsplit(['=', '.']).next().is_some_and(is_secret)
        && !name.contains(['/', ' ', '?', ':', '@', ';', ','])
    {
        return format!("{name}={HIDDEN}");
    }
    if is_password(word) {
        return format!("-p{HIDDEN}");
    }
    let hidden = without_password(word);
    if hidden == word && !word.contains("://") && word.contains([';', ',']) && word.contains('=') {
        // `Server=h;Password=x`
        return word.split_inclusive([';', ',']).map(pair).collect();
    }
    url(&hidden)
}

/// One of `Server=h;Password=x`, with what ends it.
fn pair(text: &str) -> String {
    let (one, end) = text.split_at(text.trim_end_matches([';', ',']).len());
    word(one) + end
}

/// Whether it is a password as the clients of MySQL take it: `-pPASSWORD`. A number is taken for a port.
fn is_password(word: &str) -> bool {
    const OTHERS: [&str; 9] =
        ["-port", "-path", "-pid", "-prefix", "-profile", "-plugin", "-parallel", "-print", "-production"];
    word.strip_prefix("-p").is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with(['=', '{'])
            && !rest.chars().all(|c| c.is_ascii_digit())
            && !OTHERS.iter().any(|other| word.starts_with(other))
    })
}

/// How long a name is that stands in front of something, with its `=`; 0 where there is none.
fn named(text: &str) -> usize {
    text.find(['=', ':']).filter(|at| text.split_at(*at).1.starts_with('=')).map_or(0, |at| at + 1)
}

/// A URL or a driver's name of a database, `user:password@tcp(host)/name`, without the password in it.
fn without_password(word: &str) -> String {
    let start = word.find("://").map_or(0, |scheme| scheme + "://".len());
    let (before, rest) = word.split_at(start);
    // A name in front of it: `DSN=user:password@...`.
    let (name, rest) = if start == 0 { rest.split_at(named(rest)) } else { ("", rest) };
    let Some((user, secret)) = rest.split_once(':') else { return word.to_owned() };
    let authority = rest.split('/').next().unwrap_or_default();
    let is_port = start > 0
        && !authority.contains('@')
        && authority.rsplit_once(':').is_some_and(|(_, port)| port.chars().all(|c| c.is_ascii_digit()));
    let place = if is_port { None } else { secret.rsplit_once('@') };
    match place {
        Some((password, place)) if !password.is_empty() && !user.contains(['/', '?']) => {
            format!("{before}{name}{user}:{HIDDEN}@{place}")
        }
        Some(_) | None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (text, shown) in [
            ("http://h/a?b=c", "http://h/a?b=c"),
            ("http://h/key=1/", "http://h/key=1/"),
            ("/?api_key=hunter2", "/?api_key=***"),
            ("h?a=b&X-Amz-Signature=hunter2&c=d", "h?a=b&X-Amz-Signature=***&c=d"),
            ("h?Token=hunter2;a=b", "h?Token=***;a=b"),
            ("h?pwd=hunter=2", "h?pwd=***"),
            ("h?a=b#access_token=hunter2", "h?a=b#access_token=***"),
            ("h#id_token=hunter2&code=hunter2", "h#id_token=***&code=***"),
            ("h?key&pass=&&a", "h?key&pass=&&a"),
            ("h?secret=hunter2&secret=hunter2", "h?secret=***&secret=***"),
            ("", ""),
        ] {
            assert_eq!(url(text), shown, "{text}");
        }
    }

    #[test]
    fn a_command_is_shown_without_its_secrets() {
        let known = [
            ("TOKEN".to_owned(), "hunter2".to_owned()),
            ("A".to_owned(), "a-long-and-odd-value".to_owned()),
            ("HOW".to_owned(), "slow".to_owned()),
        ];
        for (line, shown) in [
            ("serve --port 8080 -x", "serve --port 8080 -x"),
            ("serve --password=hunter3 --x", "serve --password=*** --x"),
            ("serve --user=ada:hunter3 --user ada:hunter3 x", "serve --user=ada:*** --user ada:*** x"),
            ("curl -uada:hunter3 -url http://h/", "curl -uada:*** -url http://h/"),
            ("serve --set=db.password=hunter3 x", "serve --set=db.password=*** x"),
            (
                "serve --root-pw=hunter3 --pw hunter3 --github-pat=hunter3",
                "serve --root-pw=*** --pw *** --github-pat=***",
            ),
            ("serve --path=/x --spin=2 --compat=1", "serve --path=/x --spin=2 --compat=1"),
            ("serve --api-token hunter3 x", "serve --api-token *** x"),
            ("serve --db postgres://u:hunter3@h/x", "serve --db postgres://u:***@h/x"),
            ("serve http://h/?key=hunter3", "serve http://h/?key=***"),
            ("curl -H Authorization:hunter3 x", "curl -H Authorization:*** x"),
            ("curl -H 'Authorization: Bearer hunter3' x", "curl -H 'Authorization: Bearer *** x"),
            ("serve --x=a-hunter2-b x", "serve --x=a-***-b x"),
            ("serve a-long-and-odd-value slow.py", "serve *** slow.py"),
            ("env DB_PASSWORD=hunter3 serve", "env DB_PASSWORD=*** serve"),
            ("mariadb -phunter3 -P 3306 -p {port}", "mariadb -p*** -P 3306 -p {port}"),
            ("serve -p8080 -port=80 -p{port} -print", "serve -p8080 -port=80 -p{port} -print"),
            (
                "serve root:hunter3@tcp(127.0.0.1:3306)/shop?tls=true",
                "serve root:***@tcp(127.0.0.1:3306)/shop?tls=true",
            ),
            ("serve --dsn=u:hun/t@er3@unix(/tmp/s)/shop", "serve --dsn=u:***@unix(/tmp/s)/shop"),
            ("serve postgres://u:hun@ter3/x@h:5432/shop", "serve postgres://u:***@h:5432/shop"),
            ("serve http://h:8080/a@b:c mongodb://u:hunter3@a,b/x", "serve http://h:8080/a@b:c mongodb://u:***@a,b/x"),
            ("serve Server=h;Uid=root;Pwd=hunter3;Port=1", "serve Server=h;Uid=root;Pwd=***;Port=1"),
            ("curl -u me:hunter3 --user you:hunter3 127.0.0.1:80", "curl -u me:*** --user you:*** 127.0.0.1:80"),
            ("gunicorn app:app -b 127.0.0.1:{port}", "gunicorn app:app -b 127.0.0.1:{port}"),
            (
                "PGPASSWORD=hunter3 jdbc:mysql://h/x?user=a&password=hunter3",
                "PGPASSWORD=*** jdbc:mysql://h/x?user=a&password=***",
            ),
        ] {
            let line: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(words(&line, &known).join(" "), shown);
        }
    }

    #[test]
    fn a_command_for_a_shell_is_shown_without_its_secrets() {
        for (text, shown) in [
            ("test  -f 'a b' \"c d\"", "test -f 'a b' \"c d\""),
            ("serve --password='hunter 3' x", "serve --password=*** x"),
            ("serve --password 'hunter 3' x", "serve --password '***' x"),
            ("PGPASSWORD='hunter 3' serve x", "PGPASSWORD=*** serve x"),
            ("serve --password hunter\\ 3 x", "serve --password *** x"),
            ("sh -c 'PGPASSWORD=\"hunter 3\" exec serve'", "sh -c 'PGPASSWORD=*** exec serve'"),
            ("sh -c \"mariadbd -phunter3\"", "sh -c \"mariadbd -p***\""),
            ("serve 'host=h password=hunter3 port=1'", "serve 'host=h password=*** port=1'"),
            ("serve --password 'hunter 3", "serve --password ***"),
            ("", ""),
        ] {
            assert_eq!(command(text), shown, "{text}");
        }
    }

    /// A secret that stands in none of the words around it.
    fn secret() -> impl Strategy<Value = String> {
        "[A-Z]{3}[A-Za-z0-9_!$%^*+~.-]{3,12}[A-Z]{3}"
    }

    proptest! {
        #[test]
        fn a_secret_is_nowhere_in_what_is_shown(secret in secret()) {
            for with in [
                "serve --password=SECRET x",
                "serve --password SECRET x",
                "PGPASSWORD=SECRET serve",
                "sh -c 'MYSQL_PWD=SECRET exec serve'",
                "mariadb -u root -pSECRET shop",
                "serve postgres://u:SECRET@h:5432/shop?x=y",
                "serve --db=postgres://u:SECRET@h/shop",
                "serve u:SECRET@tcp(127.0.0.1:3306)/shop",
                "serve --dsn 'u:SECRET@tcp(h)/shop'",
                "env DSN=u:SECRET@unix(/s)/shop serve",
                "serve \"host=h user=u password=SECRET\"",
                "serve 'Server=h;Database=d;Password=SECRET;'",
                "serve 'jdbc:postgresql://h/d?user=u&password=SECRET'",
            ] {
                let shown = command(&with.replace("SECRET", &secret));
                prop_assert!(!shown.contains(&*secret), "{}", shown);
                prop_assert!(shown.contains(HIDDEN) && shown.contains(with.split(' ').next().unwrap_or("").split('=').next().unwrap_or("")));
            }
        }

        #[test]
        fn any_text_is_shown_without_a_panic(text in ".{0,60}") {
            command(&text);
        }
    }
}
