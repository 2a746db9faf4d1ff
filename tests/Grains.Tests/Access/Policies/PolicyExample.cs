using ControlPlane.Access;
using ControlPlane.Access.Policies;
using ControlPlane.Filters;

namespace ControlPlane.Grains.Tests.Access.Policies;

/// <summary>A policy of all kinds of rules, and who asks by it.</summary>
internal static class PolicyExample
{
    public const string Text = """
        apiVersion: access.controlplane/v1
        kind: AccessPolicy
        roles:
          viewer:
            - permissions: [nodes.read, enrolment.read, placement.read, certificates.read]
          operator:
            - permissions: [nodes.reprovision]
              overlays: [eu-1, eu-2]
              nodes: env=staging or env=test
              limits: { targets: 10 }
            - permissions: [enrolment.*]
              overlays: [eu-1]
          planner:
            - permissions: [placement.plans.*]
              conditions: { reason: false }
          approver:
            - permissions: [placement.plans.approve]
              conditions: { fourEyes: true, secondFactor: 15m }
          signer:
            - permissions: [requests.sign]
              collectives: [mcollective]
              agents: [puppet]
              actions: [status, runonce]
          breaker:
            - permissions: [certificates.revoke, nodes.decommission]
              conditions: { reason: true }
          admin:
            - permissions: ["*"]
        grants:
          - { role: viewer, principals: ["*"] }
          - { role: operator, groups: [ops] }
          - { role: planner, principals: [pia] }
          - { role: approver, principals: [ada], methods: [oidc] }
          - { role: signer, claims: { department: [platform, sre], contract: [permanent] } }
          - { role: breaker, groups: [oncall] }
          - { role: admin, principals: [local] }
        denials:
          - { name: contractors, groups: [contractors], permissions: [nodes.reprovision, nodes.decommission], nodes: 'tier=gold' }
          - { name: no-shell, principals: ["*"], permissions: [requests.sign], agents: [shell] }
        """;

    public static AccessPolicy Policy { get; } = Read(Text);

    public static DateTimeOffset Now { get; } = new(2026, 5, 4, 3, 2, 1, TimeSpan.Zero);

    public static AccessPolicy Read(string text)
    {
        var reading = AccessPolicyReader.Read(text);
        Assert.Empty(reading.Faults);
        return reading.Policy!;
    }

    public static Caller Person(string principal, params string[] groups) =>
        new() { Principal = principal, Method = CallerMethod.Oidc, Groups = groups };

    public static NodeFacts Node(string? overlay, params (string Fact, string Value)[] facts) => new(
        overlay,
        new FilteredNode(facts.ToDictionary(fact => fact.Fact, fact => new FactValue(FactKind.Text, fact.Value, 0)), [], []));

    public static AccessDecision Judge(Caller caller, AccessRequest request, NodeFacts? node = null, AccessPolicy? policy = null) =>
        AccessJudge.Judge(policy ?? Policy, caller, request, new AccessFacts("eu-1", node, Now));
}
