"""The report of a failed test shows what it asked."""

pytest_plugins = ["pytester"]

FAILING = '''
import urllib.request

def test_fails(history_tenant):
    request = urllib.request.Request(
        history_tenant.url + "/api/messages/history", b'{"limit": 3, "trafficType": "CHAT"}', {"x-api-key": history_tenant.api_key}
    )
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()
    assert False
'''


def test_a_failed_test_shows_its_journal(pytester):
    pytester.makepyfile(FAILING)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        "*requests to history-gateway*",
        'POST /api/messages/history {"limit": 3, "trafficType": "CHAT"} -> 200; *did you mean trafficTypes?*',
    ])
