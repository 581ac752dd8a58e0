"""What a file of settings must not decide, whatever its other keys say.

A repository that you clone could otherwise send your key or your files elsewhere, or lower a guard.
"""

import re
from typing import Final

_CREDENTIAL: Final = "A file must not hold or choose a key. Use --api-key, MODELLIX_API_KEY or "
_LOGIN: Final = f"{_CREDENTIAL}modellix-cli auth login."
_PROFILE: Final = "Choose a profile with --profile or MODELLIX_PROFILE."
_ADDRESS: Final = "Whoever wrote the file could send your key elsewhere. Use --base-url or "
_BASE_URL: Final = f"{_ADDRESS}MODELLIX_BASE_URL."
_WEBHOOK: Final = "Whoever wrote the file could learn of your tasks. Use --webhook."
_GUARD: Final = "It lowers a guard, which only a command line may do."

_ADVICE: Final = {
    **dict.fromkeys(("apikey", "key", "token", "secret", "password", "authorization"), _LOGIN),
    **dict.fromkeys(("credentials", "credentialstore", "store", "auth"), _LOGIN),
    **dict.fromkeys(("profile", "profiles"), _PROFILE),
    **dict.fromkeys(("baseurl", "apiurl", "url", "endpoint", "host", "headers"), _BASE_URL),
    **dict.fromkeys(("proxy", "httpproxy", "httpsproxy", "cabundle", "sslcertfile"), _BASE_URL),
    **dict.fromkeys(("webhook", "webhookurl"), _WEBHOOK),
    **dict.fromkeys(("allowhttpapi", "allowinsecurehttp", "allowprivatenetwork"), _GUARD),
    **dict.fromkeys(("overwrite", "sameaccount", "resendunknown", "allowunpriced"), _GUARD),
    **dict.fromkeys(("onpaid", "new", "yes", "retryfailed", "nocheck"), _GUARD),
}


def advice_against(key: str) -> str | None:
    """Return what to do instead of setting `key` in a file, None for a key that is no danger.

    >>> advice_against("allow-insecure-http") is not None, advice_against("model")
    (True, None)
    """
    plain = re.sub(r"[^a-z0-9]", "", key.lower()).removeprefix("modellix")
    return _ADVICE.get(plain)
