//! People with accounts, who log in from addresses of their own, so that no limit per address stands in a bar's way.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{HttpClient, Nodes, Question, Reply, Result, Trouble};

const PASSWORD: &str = "wombat seventy giraffes";
/// Longest wait for the letters.
const LETTERS_LIMIT: Duration = Duration::from_secs(60);
/// Letters of a token, which has a line of its own.
const TOKEN_LETTERS: usize = 43;

/// Somebody with a verified account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
    /// What proxies say about where requests come from.
    pub(crate) address: String,
}

/// What a log-in gave.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) session: String,
    /// For `Authorization`.
    pub(crate) bearer: String,
    /// For `Cookie`.
    pub(crate) cookie: String,
}

/// Registers people at the first node, by number from `first`, and has them read their letters.
pub(crate) async fn register(nodes: &Nodes, first: usize, count: usize) -> Result<Vec<Person>> {
    let node = nodes.nodes.first().ok_or_else(|| Trouble::new("register at a node: there is none"))?;
    let mut client = HttpClient::new(node.address);
    let mut people = Vec::new();
    for number in first..first + count {
        let person = Person {
            id: String::new(),
            email: format!("person{number}@example.org"),
            address: format!("10.{}.{}.1", number / 250, number % 250),
        };
        let body = json!({ "email": person.email, "password": PASSWORD, "accept_terms": true });
        let reply = client.ask_for(200, &person.says(Question::post("/api/v1/user/register", body))).await?;
        people.push(Person { id: reply.text("id")?, ..person });
    }
    let mut tokens = letters(nodes, &people).await?;
    for person in &people {
        let token = tokens.remove(&person.email);
        let verify = Question::post("/api/v1/user/verify-email", json!({ "token": token }));
        client.ask_for(200, &person.says(verify)).await?;
    }
    Ok(people)
}

/// The tokens in these people's letters, once all are there.
async fn letters(nodes: &Nodes, people: &[Person]) -> Result<BTreeMap<String, String>> {
    let node = nodes.nodes.first().ok_or_else(|| Trouble::new("read letters of a node: there is none"))?;
    let deadline = Instant::now() + LETTERS_LIMIT;
    loop {
        let letters = node.letters()?;
        let tokens: BTreeMap<_, _> = letters.iter().filter_map(|letter| addressed_token(letter)).collect();
        if people.iter().all(|person| tokens.contains_key(&person.email)) {
            return Ok(tokens);
        }
        if Instant::now() > deadline {
            return Err(Trouble::new(format!("wait for {} letters: {} came", people.len(), tokens.len())));
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn addressed_token(letter: &str) -> Option<(String, String)> {
    let to = letter.lines().find_map(|line| line.strip_prefix("To: "))?;
    let token = letter.lines().find(|line| line.len() == TOKEN_LETTERS && !line.contains(' '))?;
    Some((to.trim().to_owned(), token.to_owned()))
}

// === impl Person ===

impl Person {
    /// A question that comes from where this person is.
    pub(crate) fn says(&self, question: Question) -> Question {
        question.with("x-forwarded-for", self.address.clone())
    }

    /// The same person at another address, where as many log-ins are left as anywhere.
    pub(crate) fn elsewhere(&self, number: usize) -> Self {
        Self { address: format!("10.{}.{}.1", 200 + number / 250, number % 250), ..self.clone() }
    }

    /// Logs in.
    pub(crate) async fn log_in(&self, client: &mut HttpClient) -> Result<Login> {
        let reply = client.ask_for(200, &self.tries(PASSWORD)).await?;
        let cookie = reply.headers.get("set-cookie").and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next());
        let cookie =
            cookie.ok_or_else(|| Trouble::new("find a session's cookie in the answer to a log-in"))?;
        Ok(Login {
            session: reply.text("session_id")?,
            bearer: format!("Bearer {}", reply.text("access_token")?),
            cookie: cookie.to_owned(),
        })
    }

    /// An attempt to log in.
    pub(crate) fn tries(&self, password: &str) -> Question {
        let body = json!({ "email": self.email, "password": password });
        self.says(Question::post("/api/v1/user/login", body))
    }

    /// Makes an API key: its id, and the key.
    pub(crate) async fn make_key(&self, client: &mut HttpClient, login: &Login) -> Result<(String, String)> {
        let make =
            Question::post("/api/v1/user/api-keys", json!({ "name": "bar", "permissions": ["url_check"] }));
        let make = self.says(make).with("authorization", login.bearer.clone());
        let reply: Reply = client.ask_for(200, &make).await?;
        Ok((reply.text("id")?, reply.text("api_key")?))
    }
}
