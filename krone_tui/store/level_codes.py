"""Levels that headers write as a number, a sign or in another language."""

from collections.abc import Mapping

# RFC 5424, table 2
_SYSLOG_LEVELS = ("EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG")
# As translated programs write them: PostgreSQL, java.util.logging, and what is written for one country. What else PostgreSQL says
# (details, statements) is of no level in English either.
TRANSLATED = {
    word: level
    for level, words in (
        ("PANIC", "PANIK PANICO PÂNICO PANIKA ПАНИКА PANIQUE"),
        ("FATAL", "FATALE FATALT KATASTROFALNY ВАЖНО ÖLÜMCÜL 致命错误 치명적오류 致命的エラー"),
        ("SEVERE", "SCHWERWIEGEND GRAVE СЕРЬЕЗНЫЙ 严重 重大"),
        ("ERROR", "FEHLER ERREUR ERRORE ERRO BŁĄD ОШИБКА ПОМИЛКА HATA FEL CHYBA 错误 오류 エラー"),
        (
            "WARNING",
            (
                "WARNUNG ATTENTION AVERTISSEMENT ADVERTENCIA ATTENZIONE AVVERTENZA AVVISO AVISO OSTRZEŻENIE"
                " ПРЕДУПРЕЖДЕНИЕ UYARI VARNING 警告 경고"
            ),
        ),
        ("NOTICE", "HINWEIS NOTIFICA NOTA UWAGA ЗАМЕЧАНИЕ NOTIS 注意 알림"),
        ("INFO", "INFOS INFORMACIÓN INFORMAZIONI ИНФОРМАЦИЯ 信息 情報 정보"),
    )
    for word in words.split()
}
LEVEL_CODES: Mapping[str, Mapping[str, str]] = {
    "": {},
    "syslog": {str(code): name for code, name in enumerate(_SYSLOG_LEVELS)},
    "redis": {".": "DEBUG", "-": "VERBOSE", "*": "NOTICE", "#": "WARNING"},
    # -1 is said of errors alone, 0 and 1 whatever is asked for
    "ceph": {"-1": "ERROR", "0": "INFO", "1": "INFO", **{str(code): "DEBUG" for code in range(2, 31)}},
    # O and R are what the application writes to its standard output and error
    "websphere": {
        "F": "FATAL",
        "E": "ERROR",
        "W": "WARNING",
        "A": "AUDIT",
        "I": "INFO",
        "O": "INFO",
        "R": "ERROR",
    },
    "dotnet": {
        "trce": "TRACE",
        "dbug": "DEBUG",
        "info": "INFO",
        "warn": "WARN",
        "fail": "ERROR",
        "crit": "CRITICAL",
    },
    "setupapi": {"!!!": "ERROR", "!": "WARNING"},
    "xorg": {"EE": "ERROR", "WW": "WARNING", "II": "INFO"},
    # bunyan and pino; the rest as Python's logging numbers them
    "tens": {"10": "TRACE", "20": "DEBUG", "30": "INFO", "40": "WARN", "50": "ERROR", "60": "FATAL"},
}
"""What a header writes as a number or a sign, by scheme."""
