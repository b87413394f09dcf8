"""What each route asks for, a second time: whoever changes one of them must mean it."""

from typing import Final

ASKED: Final = {
    asked: frozenset(endpoints.split())
    for asked, endpoints in {
        "open": "health.healthz health.icon sign_in.choose sign_in.enter sign_in.form sign_in.setup static",
        "of programs": """
            enrol.authority enrol.confirm enrol.enrol enrol.renew ota.desired ota.export ota.hand_in
            ota.metadata ota.target
        """,
        "of oneself": """
            account.add_token account.begin_totp account.confirm_totp account.end_totp account.everywhere
            account.page account.password account.remove_token sign_in.leave
        """,
        "see": """
            api.detection api.detections api.node api.nodes api.quarantine api.session api.statistics
            api.window api_releases.compare api_releases.release api_releases.releases api_releases.snapshot
            api_releases.training api_releases.trainings api_rollouts.detail api_rollouts.index
            api_rollouts.pins arrivals.page dataset.files dataset.page
            deletion.index deletion_api.index detections.detail detections.index drift.index drift_api.index
            drift_api.node events.stream fleet.overview live.stream node.page releases.compare
            releases.index releases.page review.answers review.disagreements review_api.answers
            review_api.card review_api.cards review_api.dataset review_api.disagreements review_api.labels
            review_api.progress review_api.reviewed review_labels.index review_labels.label
            rollouts.disagreements rollouts.index rollouts.now rollouts.page sampling.fleet sampling.node
            sampling.overview sampling.tag sampling_api.fleet sampling_api.node sampling_api.overview
            sampling_api.tag training.now training.page windows.picture windows.scale
        """,
        "hear": "api.features sound.detection sound.span sound.window",
        "listen": "listening.page listening.sound listening.stream",
        "talk": "talk.speak",
        "review": """
            review.answer review.card review.following review.page review.undo review_api.answer
            review_api.following review_api.undo
        """,
        "label": """
            dataset.load dataset.undo review_api.add review_api.change review_api.merge review_labels.add
            review_labels.ask review_labels.change review_labels.merge
        """,
        "export": "dataset.export exports.as_csv exports.as_json",
        "nodes": "listening.allow node.ask_report node.set_publish talk.allow",
        "sampling": """
            sampling.remove_fleet sampling.remove_node sampling.remove_tag sampling.set_fleet
            sampling.set_node sampling.set_tag sampling_api.put_fleet sampling_api.put_node
            sampling_api.put_tag sampling_api.remove_fleet sampling_api.remove_node sampling_api.remove_tag
        """,
        "retrain": "training.ask training.cancel",
        "accept": "releases.decide",
        "rollout": """
            api_rollouts.roll_back api_rollouts.steer rollouts.ask rollouts.make rollouts.new rollouts.pin
            rollouts.steer rollouts.unpin
        """,
        "delete": """
            deletion.ask_node deletion.ask_window deletion.node deletion.window deletion_api.node
            deletion_api.plan deletion_api.window
        """,
        "audit": "rollouts.audit",
        "users": """
            users.add users.end_totp users.index users.page users.remove users.remove_token
            users.set_password users.set_roles users.sign_out
        """,
    }.items()
}
