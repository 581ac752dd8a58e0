"""The key decides the team; teams see nothing of each other."""

from tests.sandbox.harness import PNG, Service, form

OTHER = "other-key"


def test_a_task_of_another_team_is_not_found(service: Service) -> None:
    task_id = service.task_of("sandbox/image")
    assert service.get(f"tasks/{task_id}", key="another name of the same team").status == 200
    assert service.get(f"tasks/{task_id}", key=OTHER).error == (404, 404, "Resource not found")


def test_each_team_has_a_balance_of_its_own(service: Service) -> None:
    service.submit("sandbox/image", key=OTHER)
    assert service.balance == 10
    assert service.get("team/balance", key=OTHER).json["data"]["balance"] == 9.99


def test_each_team_has_files_and_a_quota_of_its_own(service: Service) -> None:
    body, content_type = form(PNG)
    headers = {"Content-Type": content_type}
    for _ in range(10):
        sent = service.ask("POST", "/api/v1/media/files", body, headers=headers)
    file_id = sent.json["data"]["file_id"]
    assert service.get("media/files", key=OTHER).json["data"]["files"] == []
    path = f"/api/v1/media/files/{file_id}"
    assert service.ask("DELETE", path, key=OTHER).status == 404
    sent = service.ask("POST", "/api/v1/media/files", body, headers=headers, key=OTHER)
    assert sent.status == 200


def test_results_and_files_are_open_to_who_knows_their_address(service: Service) -> None:
    data = service.finished("sandbox/image")
    assert service.ask("GET", data["result"]["resources"][0]["url"], key=None).status == 200
