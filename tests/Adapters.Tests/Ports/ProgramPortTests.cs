using ControlPlane.Access;
using ControlPlane.Access.Policies;
using ControlPlane.Adapters.Command;
using ControlPlane.Adapters.Decision;
using ControlPlane.Adapters.Opa;
using ControlPlane.Adapters.Tests.Fleet;
using ControlPlane.Adapters.WebHooks;
using ControlPlane.Certificates;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.TestKit.Ports;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Ports;

/// <summary>What the operator adds: programs, and a web hook.</summary>
public sealed class ProgramPortTests : PortFailureTests
{
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(2);

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-ports-").FullName;

    public static IEnumerable<(Type Port, Type Implementation)> Tested =>
    [
        (typeof(IExternalDecider), typeof(ProgramDecider)),
        (typeof(IExternalDecider), typeof(WebDecider)),
        (typeof(IAccessAuthority), typeof(OpaAuthority)),
        (typeof(IWebHooks), typeof(SignedWebHooks)),
        (typeof(IAccessPolicy), typeof(PolicyAccess)),
        (typeof(INodeAdvisor), typeof(ProgramAdvisor)),
        (typeof(ICertificateIssuer), typeof(CommandIssuer)),
    ];

    public static TheoryData<WebFailure> WebFailures => [.. Enum.GetValues<WebFailure>()];

    [Theory]
    [InlineData("#!/bin/sh\nexit 3\n")]
    [InlineData("#!/bin/sh\nkill -9 $$\n")]
    [InlineData("#!/bin/sh\nexec 0<&-\necho nonsense\n")]
    [InlineData("#!/bin/sh\ncat > /dev/null\nprintf '\\377\\376'\n")]
    [InlineData("#!/bin/sh\ncat > /dev/null\necho '{\"overlay\":7,\"certificate\":7,\"configuration\":7}'\n")]
    [InlineData("#!/bin/sh\ncat > /dev/null\necho '{\"overlay\":\"paris\",\"certificate\":\"no PEM\",\"msg\":7}'\n")]
    [InlineData("#!/bin/sh\nexec yes\n")]
    [InlineData("#!/nowhere/sh\n")]
    [InlineData("no program")]
    [InlineData("")]
    [InlineData(null)]
    public async Task Ports_ThrowWhatTheyDeclare_WhenTheProgramCannotStartOrFails(string? content)
    {
        var program = Path.Combine(folder, "program");
        if (content is not null)
        {
            await File.WriteAllTextAsync(program, content, Cancel);
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        await AssertAsync(program, persistentWorkers: 0);
        await AssertAsync(program, persistentWorkers: 1);
    }

    [Fact]
    public async Task Ports_ThrowWhatTheyDeclare_WhenTheProgramIsNoneOrMayNotRun()
    {
        var program = Path.Combine(folder, "program");
        Directory.CreateDirectory(program);
        await AssertAsync(program, persistentWorkers: 0);

        await File.WriteAllTextAsync(Path.Combine(folder, "text"), "#!/bin/sh\n", Cancel);
        await AssertAsync(Path.Combine(folder, "text"), persistentWorkers: 0);
    }

    [Fact]
    public async Task Ports_ThrowWhatTheyDeclare_WhenTheProgramNeverAnswers()
    {
        var program = Path.Combine(folder, "program");
        await File.WriteAllTextAsync(program, "#!/bin/sh\nexec sleep 600\n", Cancel);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        await AssertAsync(program, persistentWorkers: 0);
        await AssertAsync(program, persistentWorkers: 1);
    }

    [Theory]
    [MemberData(nameof(WebFailures))]
    public async Task WebHook_ThrowsWhatItDeclares_WhenItFails(WebFailure failure)
    {
        await using var web = new FailingWeb(failure);
        foreach (var token in new[] { PortProbe.Planted, $"two\n{PortProbe.Planted}", $"ünfit {PortProbe.Planted}" })
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "token"), token, Cancel);
            using var hook = Hook(web.Url);
            using var authority = Authority(web.Url);
            using var meter = new AccessMeter(AskingOutside);
            await AssertTranslatedAsync(
                Tested,
                new FailingPort(typeof(IAccessAuthority), authority)
                {
                    // Its caller has the deadline; an empty object says that the rule is undefined.
                    Patience = failure == WebFailure.IsSilent ? TimeLimit : null,
                    ThrowsAny = true,
                    MayAnswer = failure is WebFailure.IsSilent or WebFailure.AnswersEmptyObject,
                },

                // It denies what its authority does not allow, and so answers always.
                new FailingPort(typeof(IAccessPolicy), Policy(authority, meter)),
                new FailingPort(typeof(IExternalDecider), hook)
                {
                    ThrowsAny = true, MayAnswer = failure == WebFailure.AnswersEmptyObject,
                });
        }

        foreach (var secret in new[] { PortProbe.Planted, $"whsec_{Convert.ToBase64String(new byte[24])}" })
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "secret"), secret, Cancel);
            using var signing = SignedHook(web.Url);
            await AssertTranslatedAsync(Tested, new FailingPort(typeof(IWebHooks), signing, typeof(ReceiverUnavailableException))
            {
                // What it answers is for who asked; this web server says 200 before it breaks off.
                MayAnswer = failure is WebFailure.BreaksOff or WebFailure.AnswersPage or WebFailure.AnswersEmptyObject
                    or WebFailure.AnswersAnotherObject,
            });
        }

        File.Delete(Path.Combine(folder, "secret"));
        using var unsigned = SignedHook(web.Url);
        File.Delete(Path.Combine(folder, "token"));
        using var tokenless = Hook(web.Url);
        using var silent = Authority(web.Url);
        await AssertTranslatedAsync(
            Tested,
            new FailingPort(typeof(IWebHooks), unsigned, typeof(ReceiverUnavailableException)),
            new FailingPort(typeof(IExternalDecider), tokenless, typeof(ExternalDecisionException)),
            new FailingPort(typeof(IAccessAuthority), silent, typeof(AccessAuthorityException)));
    }

    protected override void Dispose(bool disposing)
    {
        Directory.Delete(folder, recursive: true);
        base.Dispose(disposing);
    }

    private WebDecider Hook(Uri url) => new(
        Options.Create(new DecisionOptions { Url = url.ToString(), TokenFile = Path.Combine(folder, "token") }), TimeProvider.System);

    private SignedWebHooks SignedHook(Uri url) => new(
        new FixedOptions<JobsOptions>(new JobsOptions
        {
            WebHooks = { ["chat"] = new() { Url = $"{url}?{PortProbe.Planted}", SecretFile = Path.Combine(folder, "secret") } },
        }),
        TimeProvider.System);

    private OpaAuthority Authority(Uri url) =>
        new(Options.Create(new OpaOptions { Url = url.ToString(), TokenFile = Path.Combine(folder, "token") }));

    private static readonly FixedPolicy AskingOutside = new("""
        apiVersion: access.controlplane/v1
        kind: AccessPolicy
        roles: { all: [{ permissions: ["*"] }] }
        grants: [{ role: all, principals: ["*"] }]
        external: { permissions: ["*"] }
        """);

    private static PolicyAccess Policy(IAccessAuthority authority, AccessMeter meter) => new(
        AskingOutside, new NoNodes(), [new NoPlans()], new ExternalAuthorization(meter, TimeProvider.System, authority), meter,
        TimeProvider.System,
        NullLogger<PolicyAccess>.Instance);

    private async Task AssertAsync(string program, int persistentWorkers)
    {
        List<string> arguments = [$"--password={PortProbe.Planted}"];
        using var decider = new ProgramDecider(
            Options.Create(new DecisionOptions { Program = program, Arguments = arguments }), TimeProvider.System);
        using var advisor = new ProgramAdvisor(
            Options.Create(new HelperOptions
            {
                Program = program, Arguments = arguments, TimeLimit = TimeLimit, PersistentWorkers = persistentWorkers,
            }),
            TimeProvider.System);
        using var issuer = new CommandIssuer(
            "tested",
            new CommandOptions
            {
                Program = program,
                Arguments = arguments,
                TimeLimit = TimeLimit,
                PersistentWorkers = persistentWorkers,
                ChainPath = Path.Combine(folder, "missing.pem"),
            },
            TimeProvider.System);
        await AssertTranslatedAsync(
            Tested,
            new(typeof(IExternalDecider), decider) { ThrowsAny = true },
            new(typeof(INodeAdvisor), advisor, typeof(HelperFailedException)),
            new(typeof(ICertificateIssuer), issuer) { ThrowsAny = true });
    }

    private sealed class FixedPolicy(string text) : IPolicySource
    {
        public string Site => "london";

        public string Region => "eu";

        public bool IsConfigured => true;

        public AccessPolicy? Current { get; } = AccessPolicyReader.Read(text).Policy;

        public IReadOnlyList<string> Faults => [];
    }

    private sealed class NoPlans : ISubmissions
    {
        public Task<string?> FindSubmitterAsync(AccessRequest request, CancellationToken cancellationToken) =>
            Task.FromResult<string?>(null);
    }

    private sealed class NoNodes : INodeFacts
    {
        public Task<NodeFacts?> FindAsync(string node, bool said, CancellationToken cancellationToken) => Task.FromResult<NodeFacts?>(null);
    }
}
