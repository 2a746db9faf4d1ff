using System.Collections.Concurrent;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Choria.Tests;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Signing;
using ControlPlane.Nodes;
using ControlPlane.TestKit.Access;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Hosting;
using Orleans.TestingHost;

namespace ControlPlane.Adapters.Tests.Fleet.Signing;

/// <summary>The signer as a silo puts it together, with the keys of the captures and the register in a silo of its own.</summary>
internal sealed class SigningStage : IAsyncDisposable
{
    /// <summary>When alice had all of the captured requests signed.</summary>
    public static readonly DateTimeOffset CapturedAt = new(2026, 11, 22, 18, 22, 40, TimeSpan.Zero);

    private readonly InProcessTestCluster cluster;
    private readonly OwnTokenIssuer own;
    private readonly RequestSealer sealer;
    private readonly SigningMeter meter = new();
    private readonly PasswordCheck passwords = new();

    private SigningStage(InProcessTestCluster cluster, ShiftedTime time, ChoriaSigningOptions signing, string[] issuer)
    {
        (this.cluster, Time) = (cluster, time);
        var options = Options.Create(signing);
        var fleet = Options.Create(new FleetOptions
        {
            ServerTokenSeedFile = KeyFile([.. issuer[..^1], $"{issuer[^1]}.seed"]),
            ServerTokenIssuerTokenFile = KeyFile([.. issuer[..^1], $"{issuer[^1]}.jwt"]),
        });
        Guard = new AccessGuard(Policy, Audit);
        own = new OwnTokenIssuer(fleet);
        sealer = new RequestSealer(options);
        var users = new UserLists(options, time, NullLogger<UserLists>.Instance);
        Tokens = new UserTokens(own, options, time);
        Register = new ChoriaTokens(cluster.Client);
        var restrictions = new UserRestrictions(users, options);
        Callers = new ChoriaCallers(Register, Tokens, restrictions);
        Signer = new ChoriaSigner(
            new SignatureCheck(options, Options.Create(Provisioning), time),
            new SignatureRights(Callers, restrictions, Limits, Policy, Guard, Audit, options),
            sealer,
            meter,
            time,
            NullLogger<ChoriaSigner>.Instance);
        LogIn = new ChoriaLogIn(
            new LogInProofs(users, passwords, options, time, Identities),
            Tokens,
            Register,
            Policy,
            Audit,
            Limits,
            meter,
            NullLogger<ChoriaLogIn>.Instance);
    }

    /// <summary>What the captured organisation's tokens are verified by.</summary>
    public static ProvisioningOptions Provisioning { get; } =
        new() { Issuers = { ["choria"] = Captures.Text(Path.Combine("v2-aaa", "keys"), "issuer.public").Trim() } };

    public static TokenTrust Trust { get; } = TokenTrust.InOrganizations(
        new Dictionary<string, IssuerKey> { ["choria"] = IssuerKey.FromEd25519Hex(Provisioning.Issuers["choria"]) });

    public ShiftedTime Time { get; }

    public ScriptedPolicy Policy { get; } = new();

    public RecordedAudit Audit { get; } = new();

    public ScriptedIdentities Identities { get; } = new();

    public ScriptedLimits Limits { get; } = new();

    public AccessGuard Guard { get; }

    public ChoriaCallers Callers { get; }

    public UserTokens Tokens { get; }

    public ChoriaTokens Register { get; }

    public IGrainFactory Grains => cluster.Client;

    public ChoriaSigner Signer { get; }

    public ChoriaLogIn LogIn { get; }

    public static string KeyFile(params string[] path) => Path.Combine([Captures.Root, "v2-aaa", "keys", .. path]);

    /// <summary>As the captured AAA service was configured; its tokens are others' to us.</summary>
    public static ChoriaSigningOptions AsCaptured() => new()
    {
        SignerTokenFile = KeyFile("aaa", "signer.jwt"),
        SignerSeedFile = KeyFile("aaa", "signer.seed"),
        UserFiles = [KeyFile("aaa", "aaa.json")],
        AcceptOtherTokens = true,
        OtherTokensLifetimeMax = TimeSpan.FromHours(2),
    };

    /// <param name="signing">The settings; those of the capture by default.</param>
    /// <param name="now">When it is; when it was captured by default.</param>
    /// <param name="issuer">Who signs our user tokens, of the captured chain issuers; not the captured service by default.</param>
    public static async Task<SigningStage> StartAsync(
        ChoriaSigningOptions? signing = null, DateTimeOffset? now = null, params string[] issuer)
    {
        // Before the silo starts: its runtime does not bear a clock that goes back.
        var time = new ShiftedTime();
        time.Set(now ?? CapturedAt);
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.AddMemoryGrainStorage(Stores.Fleet);
            silo.Services.AddSingleton<TimeProvider>(time);
        });
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return new SigningStage(cluster, time, signing ?? AsCaptured(), issuer.Length > 0 ? issuer : ["provisioner", "signer"]);
    }

    public async ValueTask DisposeAsync()
    {
        await cluster.DisposeAsync();
        own.Dispose();
        sealer.Dispose();
        meter.Dispose();
        passwords.Dispose();
    }
}

/// <summary>The system's clock, at another time.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private TimeSpan shift;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + shift;

    public void Set(DateTimeOffset now) => shift = now - System.GetUtcNow();
}

/// <summary>Allows everything but what a test denies.</summary>
internal sealed class ScriptedPolicy : IAccessPolicy
{
    public Func<AccessDecision?> Deny { get; set; } = () => null;

    public Func<AccessRequest, bool> Allows { get; set; } = _ => true;

    public ConcurrentQueue<(ControlPlane.Access.Caller Caller, AccessRequest Request)> Asked { get; } = new();

    public ValueTask<AccessDecision> JudgeAsync(
        ControlPlane.Access.Caller caller, AccessRequest request, CancellationToken cancellationToken)
    {
        Asked.Enqueue((caller, request));
        return new(Deny() ?? new AccessDecision(Allows(request), "allowed", "test"));
    }
}

/// <summary>Lets everybody ask but those whom a test locks; keeps who failed.</summary>
internal sealed class ScriptedLimits : ICallLimits
{
    public ConcurrentQueue<SignInAttempt> Failures { get; } = new();

    public Func<SignInAttempt, bool> IsLocked { get; set; } = _ => false;

    public HashSet<string> Slowed { get; } = new(StringComparer.Ordinal);

    public HashSet<string> Locked { get; } = new(StringComparer.Ordinal);

    public CallRefusal? LockOf(SignInAttempt attempt) =>
        IsLocked(attempt) ? new CallRefusal(IsLock: true, TimeSpan.FromMinutes(5), "too many sign-ins failed") : null;

    public void Failed(SignInAttempt attempt) => Failures.Enqueue(attempt);

    public CallRefusal? Take(ControlPlane.Access.Caller caller) =>
        Locked.Contains(caller.Principal) ? new CallRefusal(IsLock: true, TimeSpan.FromMinutes(5), "too many sign-ins failed")
        : Slowed.Contains(caller.Principal) ? new CallRefusal(IsLock: false, TimeSpan.FromSeconds(1), "asks more than it may")
        : null;
}

/// <summary>Keeps what is recorded; can be away.</summary>
internal sealed class RecordedAudit : IAuditTrail
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public bool IsAway { get; set; }

    public Task<AuditedCall> BeginAsync(
        ControlPlane.Access.Caller caller, AccessRequest request, AccessDecision decision, CancellationToken cancellationToken)
    {
        if (IsAway)
        {
            throw new AuditUnavailableException("the log does not take the record");
        }

        var verdict = decision.IsAllowed ? "allow" : "deny";
        Lines.Enqueue($"begin {caller.Principal} {request.Operation} {request.Agent}.{request.Action} {verdict}");
        return Task.FromResult(new AuditedCall("1", caller, request, decision));
    }

    public Task EndAsync(AuditedCall call, string outcome)
    {
        Lines.Enqueue($"end {outcome}");
        return Task.CompletedTask;
    }

    public Task RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why)
    {
        Lines.Enqueue($"failed {method} {principal}: {why}");
        return Task.CompletedTask;
    }
}

/// <summary>Knows the ID tokens that a test names, and no others.</summary>
internal sealed class ScriptedIdentities : IIdentityTokens
{
    public ConcurrentDictionary<string, VerifiedIdentity> Known { get; } = new(StringComparer.Ordinal);

    public ValueTask<VerifiedIdentity?> ReadAsync(string idToken, CancellationToken cancellationToken) =>
        new(Known.GetValueOrDefault(idToken));
}
