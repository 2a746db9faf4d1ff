using System.Diagnostics;
using System.Text;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Signing;
using ControlPlane.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Hosting;
using Orleans.TestingHost;

namespace ControlPlane.Benchmarks.Access;

using Caller = ControlPlane.Access.Caller;

/// <summary>
/// Requests of Choria's command line that are signed in a second, one after the other: reading, token, proof, register, policy and
/// signature, without an audit to wait for. Beside it the raw cryptography of the same: four verifications and a signature.
/// </summary>
internal sealed class SignatureBenchmark : IBenchmark, IAsyncDisposable
{
    private const int Requests = 2_000;
    private const string Organization = "choria";
    private const string CallerId = "up=alice";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("controlplane-bench-signing-");
    private readonly Ed25519Key issuer = Ed25519Key.Generate();
    private readonly Ed25519Key chain = Ed25519Key.Generate();
    private readonly Ed25519Key user = Ed25519Key.Generate();
    private readonly Ed25519Key delegator = Ed25519Key.Generate();
    private readonly SigningMeter meter = new();
    private InProcessTestCluster cluster = null!;
    private OwnTokenIssuer own = null!;
    private RequestSealer sealer = null!;
    private ChoriaSigner signer = null!;
    private string token = "";
    private int made;

    public string Name => "access-sign";

    public string Unit => "signatures/s";

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) => silo.AddMemoryGrainStorage(Stores.Fleet));
        cluster = builder.Build();
        await cluster.DeployAsync(cancellationToken);

        var now = TimeProvider.System.GetUtcNow();
        var organization = TokenIssuer.Organization(issuer);
        var chainToken = organization.IssueChainIssuer(Claims("chain", chain), TimeSpan.FromDays(1), now);
        var signing = Options.Create(new ChoriaSigningOptions
        {
            SignerSeedFile = Write("delegator.seed", delegator.ExportSeedHex()),
            SignerTokenFile = Write("delegator.jwt", organization.Issue(
                Claims("delegator", delegator) with { Permissions = new ClientPermissions { AuthenticationDelegator = true } },
                TimeSpan.FromDays(1), now)),
        });
        own = new OwnTokenIssuer(Options.Create(new FleetOptions
        {
            ServerTokenSeedFile = Write("chain.seed", chain.ExportSeedHex()),
            ServerTokenIssuerTokenFile = Write("chain.jwt", chainToken),
        }));
        sealer = new RequestSealer(signing);
        var tokens = new UserTokens(own, signing, TimeProvider.System);
        var register = new ChoriaTokens(cluster.Silos[0].ServiceProvider.GetRequiredService<IGrainFactory>());
        await RegisterAsync(tokens, register);
        var nothing = new AllowedAndForgotten();
        var users = new UserLists(signing, TimeProvider.System, NullLogger<UserLists>.Instance);
        signer = new ChoriaSigner(
            new SignatureCheck(
                signing,
                Options.Create(new ProvisioningOptions { Issuers = { [Organization] = issuer.PublicKeyHex } }),
                TimeProvider.System),
            new SignatureRights(
                new ChoriaCallers(register, tokens, new UserRestrictions(users, signing)),
                new UserRestrictions(users, signing),
                nothing,
                nothing,
                new AccessGuard(nothing, nothing),
                nothing,
                signing),
            sealer,
            meter,
            TimeProvider.System,
            NullLogger<ChoriaSigner>.Instance);
        await RunOursAsync(cancellationToken);
        await RunReferenceAsync(cancellationToken);
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var questions = Questions();
        var begun = Stopwatch.GetTimestamp();
        foreach (var question in questions)
        {
            if (await signer.SignAsync(question, SignatureWay.Http, "127.0.0.1", cancellationToken) is SignatureAnswer.Refused refused)
            {
                throw new InvalidOperationException(refused.Reason);
            }
        }

        return Requests / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        var questions = Questions();
        var signatures = questions.Select(question => Convert.FromHexString(question.Signature)).ToList();
        var begun = Stopwatch.GetTimestamp();
        foreach (var (question, signature) in questions.Zip(signatures))
        {
            // The two of the chain, that of the token, that of the request; all over about as many bytes.
            for (var verification = 0; verification < 4; verification++)
            {
                if (!Ed25519Key.Verify(user.PublicKey.Span, question.Request.Span, signature))
                {
                    throw new InvalidOperationException("a signature that was just made does not verify");
                }
            }

            delegator.Sign(question.Request.Span);
        }

        return Task.FromResult(Requests / Stopwatch.GetElapsedTime(begun).TotalSeconds);
    }

    public async ValueTask DisposeAsync()
    {
        await cluster.DisposeAsync();
        own.Dispose();
        sealer.Dispose();
        meter.Dispose();
        foreach (var key in (Ed25519Key[])[issuer, chain, user, delegator])
        {
            key.Dispose();
        }

        folder.Delete(recursive: true);
    }

    private async Task RegisterAsync(UserTokens tokens, ChoriaTokens register)
    {
        var (made, claims) = tokens.Issue(
            CallerId, user.PublicKeyHex, new ClientClaims { Permissions = new ClientPermissions { SignedFleetManagement = true } });
        token = made;
        await register.RegisterAsync(new NewChoriaToken(
            claims.Id!, CallerId, new ChoriaSignIn(CallerId, ChoriaTokenOrigin.Oidc), TimeProvider.System.GetUtcNow(), claims.ExpiresAt));
    }

    // Each another one: none is signed twice.
    private List<SignatureQuestion> Questions()
    {
        var seconds = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        return [.. Enumerable.Range(0, Requests).Select(_ => Question((seconds * 1_000_000_000) + made++))];
    }

    private SignatureQuestion Question(long nanoseconds)
    {
        var body = Convert.ToBase64String(RpcutilAgent.Ping.EncodeRequest(new NoInput()));
        var request = Encoding.UTF8.GetBytes(
            $$$"""
            {"protocol":"io.choria.protocol.v2.request","message":"{{{body}}}","id":"3MTPobeckMQiEarb1F4ZyNK3W6i","sender":"desk","caller":"{{{CallerId}}}","collective":"choria","agent":"rpcutil","ttl":600,"time":{{{nanoseconds}}},"filter":{"fact":[],"cf_class":[],"agent":["rpcutil"],"identity":[],"compound":[]}}
            """);
        return new SignatureQuestion(request, token, user.SignHex(request));
    }

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, content);
        return path;
    }

    private static ClientClaims Claims(string caller, Ed25519Key key) =>
        new() { CallerId = caller, PublicKey = key.PublicKeyHex, OrganizationUnit = Organization };

    /// <summary>What the policy and the audit cost is measured by their own benchmarks.</summary>
    private sealed class AllowedAndForgotten : IAccessPolicy, IAuditTrail, ICallLimits
    {
        public ValueTask<AccessDecision> JudgeAsync(Caller caller, AccessRequest request, CancellationToken cancellationToken) =>
            new(new AccessDecision(IsAllowed: true, "", ""));

        public Task<AuditedCall> BeginAsync(
            Caller caller, AccessRequest request, AccessDecision decision, CancellationToken cancellationToken) =>
            Task.FromResult(new AuditedCall("", caller, request, decision));

        public Task EndAsync(AuditedCall call, string outcome) => Task.CompletedTask;

        public CallRefusal? LockOf(SignInAttempt attempt) => null;

        public void Failed(SignInAttempt attempt)
        {
        }

        public CallRefusal? Take(Caller caller) => null;

        public Task RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why) => Task.CompletedTask;
    }
}
