using ControlPlane.Access.Policies;

namespace ControlPlane.Grains.Tests.Access.Policies;

public sealed class AccessPolicyReaderTests
{
    private const string Head = "apiVersion: access.controlplane/v1\nkind: AccessPolicy\n";

    [Fact]
    public void Read_TakesTheWholeExample_WithoutAFault()
    {
        var content = PolicyExample.Policy.Content;

        Assert.Equal((8, 7, 2), (content.Rules.Count, content.Grants.Count, content.Denials.Count));
        var all = content.Rules.Single(rule => rule.Place == "role 'operator', rule 2").Permissions;
        Assert.Equal(["enrolment.control", "enrolment.read"], all.Order());
    }

    [Theory]
    [InlineData(
        "roles: { r: [{ permissions: [nodes.reprovisoin] }] }",
        "3:30: there is no permission 'nodes.reprovisoin'; did you mean 'nodes.reprovision'?")]
    [InlineData("roles: { r: [{ permissions: [node.*] }] }", "3:30: there is no permission 'node.*'")]
    [InlineData(
        "roles: { r: [{ permissions: [access.self] }] }",
        "3:30: everybody who is authenticated has 'access.self': it is neither given nor denied")]
    [InlineData("roles: { r: [{ overlays: [a] }] }", "3:14: 'permissions' is missing")]
    [InlineData("roles: { r: [{ permissions: [] }] }", "3:14: 'permissions' is missing")]
    [InlineData("roles: { r: [{ permissions: [nodes.read], overlay: [a] }] }", "3:43: 'overlay' is unknown here")]
    [InlineData("roles: { r: [{ permissions: [nodes.read], nodes: 'a=' }] }", "3:50: the filter ends where a value should be")]
    [InlineData(
        "roles: { r: [{ permissions: [nodes.read], agents: [a] }] }",
        "3:51: 'agents' says something of requests.sign, jobs.run alone")]
    [InlineData(
        "roles: { r: [{ permissions: [jobs.run], collectives: [a] }] }",
        "3:54: 'collectives' says something of requests.sign alone")]
    [InlineData(
        "roles: { r: [{ permissions: [jobs.*], actions: [a] }] }",
        "3:48: 'actions' says something of requests.sign, jobs.run alone")]
    [InlineData("roles: { r: [{ permissions: [nodes.read], limits: { targets: 0 } }] }", "3:62: 'targets' is a number from 1")]
    [InlineData(
        "roles: { r: [{ permissions: [nodes.read], conditions: { secondFactor: soon } }] }",
        "3:71: 'secondFactor' is a time such as")]
    [InlineData(
        "roles: { r: [{ permissions: [nodes.read], conditions: { fourEyes: true } }] }",
        "3:67: 'fourEyes' says something of placement.plans.approve, jobs.approve alone")]
    [InlineData(
        "roles: { r: [{ permissions: [requests.sign], limits: { concurrency: 5 } }] }",
        "3:69: 'concurrency' says something of jobs.run alone")]
    [InlineData(
        "roles: { r: [{ permissions: [nodes.reprovision, placement.read, nodes.read], conditions: { reason: true } }] }",
        "nobody can say why for nodes.read, placement.read: give them a rule of their own without it")]
    [InlineData("roles: { r: [{ permissions: [nodes.read], conditions: { reasons: true } }] }", "3:57: 'reasons' is unknown here")]
    [InlineData(
        "roles: { viewer: [] }\ngrants: [{ role: viewr, principals: [a] }]",
        "4:18: there is no role 'viewr'; did you mean 'viewer'?")]
    [InlineData("roles: { r: [] }\ngrants: [{ role: r }]", "4:10: names nobody")]
    [InlineData("roles: { r: [] }\ngrants: [{ role: r, groups: ['*'] }]", "4:29: '*' stands among the principals")]
    [InlineData(
        "roles: { r: [] }\ngrants: [{ role: r, principals: [a], methods: [system] }]",
        "4:48: 'methods' are of local, accessToken, oidc, certificate, choriaToken")]
    [InlineData(
        "denials: [{ name: d, principals: [a], permissions: [nodes.reed] }]",
        "3:53: there is no permission 'nodes.reed'; did you mean 'nodes.read'?")]
    [InlineData("denials: [{ principals: [a], permissions: [nodes.read] }]", "3:11: 'name' is missing")]
    [InlineData("mode: trial", "3:7: 'mode' is enforce or dry-run")]
    [InlineData("tests: [{ name: t, as: a, may: nodes.reed, expect: allow }]", "3:32: there is no permission 'nodes.reed'")]
    [InlineData("tests: [{ name: t, as: a, may: nodes.read }]", "3:9: 'expect' is missing")]
    [InlineData(
        "tests: [{ name: t, as: a, may: nodes.read, facts: { a: b }, expect: deny }]",
        "3:9: 'facts', 'classes' and 'nodeAgents' are of the 'node'")]
    [InlineData("roles: { r: [], r: [] }", "Duplicate key")]
    public void Read_SaysWhatIsWrong_AndWhere(string text, string fault)
    {
        var reading = AccessPolicyReader.Read(Head + text);

        Assert.Null(reading.Policy);
        Assert.Contains(reading.Faults, found => $"{found.Line}:{found.Column}: {found.Message}".Contains(fault, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_SaysAllFaultsAtOnce_InTheOrderOfTheDocument()
    {
        var reading = AccessPolicyReader.Read("kind: Policy\nmode: on\nroles: { r: [{ permissions: [x] }] }\ngrants: [{ role: s }]");

        Assert.Equal([1, 1, 2, 3, 4, 4], reading.Faults.Select(fault => fault.Line));
    }

    [Theory]
    [InlineData("")]
    [InlineData("- a")]
    [InlineData("roles: [")]
    [InlineData("roles: &a [*a]")]
    public void Read_AnswersFaults_ForWhatIsNoPolicy(string text)
    {
        var reading = AccessPolicyReader.Read(text);

        Assert.Null(reading.Policy);
        Assert.NotEmpty(reading.Faults);
    }

    [Fact]
    public void Read_MakesTheVersionOfTheText()
    {
        Assert.Equal(PolicyExample.Policy.Version, PolicyExample.Read(PolicyExample.Text).Version);
        Assert.NotEqual(PolicyExample.Policy.Version, PolicyExample.Read(PolicyExample.Text + "\n").Version);
        Assert.Matches("^[0-9a-f]{12}$", PolicyExample.Policy.Version);
    }

    [Fact]
    public void Run_TellsCasesThatHoldFromThoseThatDoNot()
    {
        var policy = PolicyExample.Read(PolicyExample.Text + """

            tests:
              - { name: in test, as: olga, groups: [ops], may: nodes.reprovision, node: web1, overlay: eu-1,
                  facts: { env: test }, expect: allow }
              - { name: in prod, as: olga, groups: [ops], may: nodes.reprovision, node: web1, overlay: eu-1,
                  facts: { env: prod }, expect: deny }
              - { name: unknown, as: olga, groups: [ops], may: nodes.reprovision, node: web1, expect: deny }
              - { name: overlay, as: olga, groups: [ops], may: enrolment.control, overlay: eu-1, expect: allow }
              - { name: fresh, as: ada, may: placement.plans.approve, secondFactor: 5m, submitter: pia, expect: allow }
              - { name: stale, as: ada, may: placement.plans.approve, secondFactor: 1h, submitter: pia, expect: deny }
              - { name: claims, as: sam, claims: { department: sre, contract: permanent }, may: requests.sign, collective: mcollective,
                  agent: puppet, action: status, expect: allow }
              - { name: machine, as: ci, method: accessToken, roles: [viewer], may: nodes.read, expect: allow }
              - { name: local, as: local, may: access.audit.read, expect: allow }
              - { name: wrong, as: nobody, may: nodes.decommission, expect: allow }
            """);

        var outcomes = AccessCases.Run(policy, PolicyExample.Now);

        Assert.Equal(["wrong"], outcomes.Where(outcome => !outcome.HasPassed).Select(outcome => outcome.Name));
        Assert.Equal((10, false, "no role of theirs has it"), (outcomes.Count, outcomes[^1].IsAllowed, outcomes[^1].Rule));
    }

    [Fact]
    public void Run_TakesWhatIsDeniedOnTrial_ForDenied()
    {
        var policy = PolicyExample.Read("mode: dry-run\n" + PolicyExample.Text
            + "\ntests: [{ name: t, as: nobody, may: nodes.decommission, expect: deny }]");

        Assert.True(Assert.Single(AccessCases.Run(policy, PolicyExample.Now)).HasPassed);
    }
}
