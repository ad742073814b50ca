"""Small talk and wishes for a person: what is one, what is none, and what is left of a message for matching."""

import csv

import pytest

from helpdesk.decisions import SMALL_TALK, DecisionReason
from helpdesk.matching.small_talk import FILLER, small_talk
from helpdesk.settings import LANGUAGES, resource
from helpdesk.text import normalise

PURE = [
    ("Hello!", "greeting", "en"),
    ("hiiii team", "greeting", "en"),
    ("Good morning everyone 👋", "greeting", "en"),
    ("hi, how are you?", "greeting", "en"),
    ("Thanks so much!!!", "thanks", "en"),
    ("thank you all for your help", "thanks", "en"),
    ("ok great, thanks, bye", "thanks", "en"),
    ("👍", "thanks", "en"),
    ("That's all for now, have a nice day", "goodbye", "en"),
    ("Hi, you're stupid", "insult", "en"),
    ("Are you a bot?", "bot_question", "en"),
    ("hello, am I talking to a real person?", "bot_question", "en"),
    ("yes please", "yes", "en"),
    ("no, not really", "no", "en"),
    ("Guten Morgen zusammen", "greeting", "de"),
    ("hallo, vielen lieben Dank für die schnelle Hilfe!", "thanks", "de"),
    ("Tschüss, schönen Tag noch", "goodbye", "de"),
    ("Du bist echt dumm", "insult", "de"),
    ("du bist nutzlos", "insult", "de"),
    ("Bist du ein Mensch?", "bot_question", "de"),
    ("ja bitte", "yes", "de"),
    ("nein danke", "no", "de"),
    ("Bonjour à tous", "greeting", "fr"),
    ("bonjour, ça va ?", "greeting", "fr"),
    ("Merci beaucoup pour votre aide !", "thanks", "fr"),
    ("au revoir et bonne journée", "goodbye", "fr"),
    ("tu ne sers à rien", "insult", "fr"),
    ("T’es un robot ?", "bot_question", "fr"),
    ("oui, bien sûr", "yes", "fr"),
    ("non merci", "no", "fr"),
    ("¡Hola, buenos días!", "greeting", "es"),
    ("muchas gracias por tu ayuda", "thanks", "es"),
    ("hasta luego, que tengas un buen día", "goodbye", "es"),
    ("eres un inútil", "insult", "es"),
    ("¿Eres un robot?", "bot_question", "es"),
    ("claro que sí", "yes", "es"),
    ("no es eso", "no", "es"),
]
MIXED = [
    ("hi there, my vpn is down, thanks!", "my vpn is down"),
    ("Hello my vpn is down", "my vpn is down"),
    ("hi team, printer jams again. Thanks in advance", "printer jams again"),
    ("my vpn is down thanks", "my vpn is down"),
    ("Are you a bot? I need a new laptop", "i need a new laptop"),
    ("Guten Tag, mein Drucker druckt nicht. Vielen Dank", "mein drucker druckt nicht"),
    ("hallo mein vpn geht nicht danke", "mein vpn geht nicht"),
    ("Bonjour, mon imprimante ne marche pas, merci d'avance", "mon imprimante ne marche pas"),
    ("Hola, no funciona la impresora, gracias", "no funciona la impresora"),
    ("hi 👋 how do i reset my password", "how do i reset my password"),
]
WHOLE = [
    "no sound in teams",
    "no internet",
    "yes the printer is broken",
    "thanks to the update my pc is slow",
    "hello for business does not work",
    "how do i say thanks",
    "morning shift calendar is missing",
    "super user rights",
    "hi, vpn",
    "night mode on my phone",
    "tag der offenen tür buchen",
    "si no funciona el wifi",
    "windows hello",
    "thanks, solved",
    "great plains login",
]
WISHES = {
    "en": [
        "I want to talk to a human",
        "can I speak to someone?",
        "could i please speak with a representative",
        "let me speak with a real person",
        "please connect me to an agent",
        "transfer me to an operator now",
        "put me through to somebody",
        "I'd like to chat with a live agent",
        "is there a human I can talk to?",
        "I don't want to chat with a bot",
        "i do not want to talk to a machine or robot, stop talking to a robot",
        "no more bots please",
        "can someone call me back",
        "can someone call me",
        "Please call me back.",
        "i need a callback",
        "I want to talk to someone about my salary",
        "my vpn is down and I need to speak to a technician",
        "my vpn is down. I need a human",
        "get me a human",
        "agent please",
        "live chat",
        "how can I talk to a real person",
        "how do i reach a human",
        "i need someone to call me",
        "speak to customer service",
        "are there any real people here",
        "hi, could you put me in touch with a colleague",
        "i would rather talk to a person",
        "who can i talk to",
        "escalate this to a human",
        "is anyone there?",
        "i need a real person not a bot",
        "give me a human being",
        "let a human handle this",
    ],
    "de": [
        "Ich möchte mit einem Menschen sprechen",
        "kann ich mit jemandem reden?",
        "mit einem mitarbeiter sprechen",
        "Verbinden Sie mich bitte mit einem Mitarbeiter",
        "ich will mit einer echten Person sprechen",
        "Können Sie mich zurückrufen?",
        "bitte rufen Sie mich zurück",
        "kann mich jemand anrufen",
        "Ich bitte um Rückruf",
        "ich will nicht mit einem bot reden",
        "ich brauche einen menschen",
        "gibt es hier echte menschen",
        "stellen sie mich durch",
        "koennen sie mich mit einem kollegen verbinden",
        "ist da jemand?",
        "ich moechte einen Mitarbeiter sprechen",
        "gib mir einen Menschen",
        "ich hätte gerne einen persönlichen Ansprechpartner",
        "mein vpn geht nicht, ich möchte mit jemandem vom support sprechen",
        "Mensch bitte",
        "gibt es jemanden mit dem ich reden kann",
    ],
    "fr": [
        "Je veux parler à un humain",
        "je voudrais parler à quelqu'un",
        "puis-je parler à un conseiller ?",
        "passez-moi un conseiller",
        "mettez-moi en relation avec un agent",
        "j'aimerais parler avec une vraie personne",
        "je ne veux pas parler à un robot",
        "pouvez-vous me rappeler ?",
        "rappelez-moi s'il vous plaît",
        "quelqu'un peut m'appeler ?".replace("quelqu'un peut", "est-ce que quelqu'un peut"),
        "un humain svp",
        "je veux être rappelé",
        "j'ai besoin d'un humain",
        "y a-t-il un humain ici",
        "il y a quelqu'un ?",
        "comment parler à un humain",
        "mon vpn est en panne, je souhaite parler à un technicien",
        "transférez-moi à quelqu'un",
    ],
    "es": [
        "Quiero hablar con una persona",
        "quisiera hablar con un agente",
        "¿puedo hablar con alguien?",
        "necesito hablar con un humano",
        "pásame con un operador",
        "comuníqueme con un asesor",
        "no quiero hablar con un robot",
        "¿me pueden llamar?",
        "llámenme por favor",
        "quiero que me llamen",
        "una persona real por favor",
        "dame un humano",
        "hay alguien ahí?",
        "cómo puedo hablar con una persona real",
        "necesito que alguien me ayude, quiero hablar con soporte",
        "mi vpn no funciona, quiero hablar con un técnico",
        "quiero chatear con un agente",
    ],
}
NO_WISHES = [
    "how do I add a person to the mailing list",
    "the agent software crashes",
    "human resources portal",
    "who is my contact in human resources",
    "which operator for phone contracts",
    "how do I chat with a colleague in teams",
    "how do i transfer a call to a colleague",
    "can someone help me with outlook",
    "can somebody reset my password",
    "how do i share a file with someone outside",
    "need a colleague added to the list",
    "connect me to the vpn",
    "the docking station does not talk to the computer",
    "callers can't call me back",
    "how do i set up a callback url",
    "live chat widget on our website is broken",
    "somebody can see my screen when i talk",
    "i want this bot to access my calendar",
    "i don't want to talk to a human",
    "my colleague is sick, can her senders be told",
    "who approves hardware for a new colleague",
    "i need an agent installed on my laptop",
    "i need a person removed from the group",
    "how do i forward this to a colleague",
    "nobody can call me on teams",
    "can people call me on teams from outside",
    "human error in the spreadsheet",
    "whats the number of the helpdesk",
    "chatbot licence for our website",
    "my agent cannot log in to the support portal",
    "customer service application is slow",
    "i need to connect to the support server",
    "wie füge ich eine person zum verteiler hinzu",
    "der agent stürzt ab",
    "mitarbeiter im portal anlegen",
    "wie kann ich mit einem kollegen in teams chatten",
    "wie teile ich eine datei mit jemandem",
    "ich habe mit einem kollegen gesprochen",
    "kann jemand mein passwort zurücksetzen",
    "neuer mitarbeiter braucht einen laptop",
    "externe können mich nicht anrufen",
    "rufumleitung zu einem kollegen einrichten",
    "kann mich in teams nicht einloggen, kunden können mich anrufen",
    "ich brauche einen neuen laptop",
    "kann ich den support server erreichen",
    "comment ajouter une personne à la liste",
    "ressources humaines",
    "portail des ressources humaines",
    "l'agent antivirus plante",
    "quel opérateur pour le forfait mobile",
    "comment partager un fichier avec quelqu'un",
    "rappelez-moi mon mot de passe",
    "je ne peux pas appeler un collègue avec teams",
    "comment discuter avec un collègue dans teams",
    "cómo agrego una persona a la lista",
    "recursos humanos",
    "el agente de seguridad se bloquea",
    "qué operador para el móvil",
    "cómo comparto un archivo con alguien",
    "mis clientes no pueden llamarme",
    "cómo puedo chatear con un compañero en teams",
    "el soporte del monitor está roto",
]


@pytest.mark.parametrize(("text", "reason", "language"), PURE)
def test_a_message_of_small_talk_alone_is_recognised(text: str, reason: str, language: str) -> None:
    """Whatever its case, marks, emoji, drawn-out letters and fillers."""
    heard = small_talk().hear(normalise(text))

    assert (heard.reason, heard.language) == (reason, language)


@pytest.mark.parametrize(("text", "question"), MIXED)
def test_small_talk_never_hides_a_question(text: str, question: str) -> None:
    """What is around it is left out for matching."""
    heard = small_talk().hear(normalise(text))

    assert (heard.reason, heard.question) == (None, question)


@pytest.mark.parametrize("text", WHOLE)
def test_words_that_belong_to_the_question_stay(text: str) -> None:
    """A greeting, a yes or a no that is part of it, and questions of which one word would be left."""
    heard = small_talk().hear(normalise(text))

    assert (heard.reason, heard.question) == (None, normalise(text))


@pytest.mark.parametrize("text", ["it works again, thanks", "das hat geholfen, danke", "thanks, it is solved now"])
def test_a_settled_matter_is_not_small_talk(text: str) -> None:
    """Thanks for it are, but not the statement."""
    assert small_talk().hear(normalise(text)).reason is None


@pytest.mark.parametrize(("language", "text"), [(code, text) for code, texts in WISHES.items() for text in texts])
def test_a_wish_for_a_person_is_heard(language: str, text: str) -> None:
    """In many words, with or without a question beside it."""
    heard = small_talk().hear(normalise(text))

    assert (heard.reason, heard.language) == (DecisionReason.ASKED, language)


@pytest.mark.parametrize("text", NO_WISHES)
def test_a_question_about_people_or_software_is_no_wish(text: str) -> None:
    """The words alone say nothing."""
    assert small_talk().hear(normalise(text)).reason is None


def test_the_question_beside_a_wish_stays() -> None:
    """Its best-ranked entry is kept for the colleague."""
    assert small_talk().hear(normalise("hi, vpn is down, get me a human")).question == "vpn is down, get me a human"


def test_only_the_languages_that_are_set_are_heard() -> None:
    """And the first of them is that of a phrase that several have."""
    german = small_talk(("de",))

    assert german.hear("thank you very much").reason is None
    assert german.hear("danke schön").reason == DecisionReason.THANKS
    assert small_talk(("de", "en")).hear("hi").language in ("de", "en")
    assert german.hear("i want to talk to a human").reason is None


def test_no_question_of_the_shipped_data_is_taken_for_small_talk() -> None:
    """Starter FAQ and evaluation messages; wishes for a person are messages for the entry about reaching one."""
    heard = []
    for name, column in (("faq.csv", "phrasing"), ("faq.csv", "question"), ("evaluation.csv", "text")):
        with (resource("training_data") / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        heard += [(small_talk().hear(normalise(row[column])).reason, row["intent"]) for row in rows]

    assert {intent for reason, intent in heard if reason == DecisionReason.ASKED} <= {"contact_human"}
    assert {intent for reason, intent in heard if reason in SMALL_TALK} <= {"out_of_scope"}


def test_the_list_is_whole() -> None:
    """Several dozen phrases of each kind in each language, none of them of two kinds."""
    with (resource("training_data") / "small_talk.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kinds: dict[str, set[str]] = {}
    for row in rows:
        kinds.setdefault(normalise(row["text"]), set()).add(row["kind"])

    assert [text for text, found in kinds.items() if len(found) > 1] == []
    assert "" not in kinds
    for kind in (*(set(SMALL_TALK) - {DecisionReason.SETTLED}), DecisionReason.ASKED, FILLER):
        for language in LANGUAGES:
            assert sum((row["kind"], row["language"]) == (kind, language) for row in rows) >= 36, (kind, language)
