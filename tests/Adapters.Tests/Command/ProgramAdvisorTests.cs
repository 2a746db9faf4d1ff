using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Choria.Tests;
using ControlPlane.Adapters.Command;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Command;

/// <summary>Choria Provisioner's helper: it reads and writes what the captured ones did; what it does wrong stays with its node.</summary>
public sealed class ProgramAdvisorTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-helper-").FullName;
    private ProgramAdvisor? helper;

    public static TheoryData<string> Folders => ["v1-x509", "v1-plain-nats", "v2-issuer", "v2-plain-nats", "v2-variants"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        helper?.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Write_IsToTheByte_WhatTheProvisionerWrote(string capture)
    {
        foreach (var stdin in Captures.Lines(capture, "helper.jsonl").Select(line => line["stdin"]!.GetValue<string>()))
        {
            var input = JsonNode.Parse(stdin)!;
            var (csr, key) = (input["csr"], input["ed25519_pubkey"]);
            var claims = stdin[(stdin.IndexOf("\"jwt\":", StringComparison.Ordinal) + 6)..^1];
            var question = new HelperQuestion
            {
                Identity = Text(input, "identity"),
                SigningRequest = csr is null ? null : new SigningRequestReply(Text(csr, "csr"), Text(csr, "ssldir")),
                Ed25519Key = key is null
                    ? null
                    : new Ed25519KeyReply(Text(key, "public_key"), Text(key, "directory"), Text(key, "signature")),
                InventoryJson = Text(input, "inventory"),
                ClaimsJson = claims == "null" ? "null" : Claims(claims).ToJson(),
            };

            Assert.Equal(stdin, HelperMessages.Write(question));
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Read_UnderstandsWhatHelpersWrote(string capture)
    {
        foreach (var line in Captures.Lines(capture, "helper.jsonl")
            .Where(line => line["kind"]?.GetValue<string>() is not ("garbage" or "exit1")))
        {
            var stdout = JsonNode.Parse(line["stdout"]!.GetValue<string>())!;
            var answer = HelperMessages.Read(line["stdout"]!.GetValue<string>());

            Assert.Equal(stdout["msg"]!.GetValue<string>(), answer.Message);
            Assert.Equal((stdout["configuration"] as JsonObject)?.Count ?? 0, answer.Configuration.Count);
            Assert.Equal((stdout["action_policies"] as JsonObject)?.Count ?? 0, answer.ActionPolicies.Count);
            Assert.Equal(stdout["key"]?.GetValue<string>() ?? "", answer.PrivateKeyPem);
            Assert.Equal(stdout["server_claims"] is not null, answer.Token?.Rights is { Streams: true, Submission: true });
        }
    }

    [Fact]
    public void Read_UnderstandsTheWholeContract()
    {
        var answer = HelperMessages.Read("""
            {"Defer":true,"shutdown":true,"msg":"m","key":"k","certificate":"c","ca":"a","ssldir":"/s","upgrade":"0.30.3","unknown":1,
             "configuration":{"a":"b"},"action_policies":{"x.policy":"p"},"opa_policies":{"x.rego":"r"},
             "server_claims":{"exp":1900000000,"collectives":["acme"],"ou":"org","pub_subjects":["s.>"],"permissions":{"governor":true}}}
            """);

        Assert.Equal((true, true, "m", "k", "c", "a"), (
            answer.Defer, answer.Shutdown, answer.Message, answer.PrivateKeyPem, answer.CertificatePem, answer.ChainPem));
        Assert.Equal(("/s", "0.30.3", "b"), (answer.SslDirectory, answer.Upgrade, answer.Configuration["a"]));
        Assert.Equal(("p", "r"), (answer.ActionPolicies["x.policy"], answer.OpaPolicies["x.rego"]));
        Assert.Equal((DateTimeOffset.FromUnixTimeSeconds(1_900_000_000), "acme", "org", "s.>"), (
            answer.Token!.ExpiresAt, answer.Token.Collectives[0], answer.Token.OrganizationUnit, answer.Token.PublishSubjects[0]));
        Assert.Equal(new ServerTokenRights(false, false, true, false), answer.Token.Rights);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task AskAsync_AsksOnceOrKeptPrograms(int workers)
    {
        const string script = """while IFS= read -r line || [ -n "$line" ]; do echo '{"msg":"'$$'"}'; done""";
        var one = await Open(script, workers).AskAsync(Question(), Cancel);
        var other = await helper!.AskAsync(Question(), Cancel);

        Assert.Equal(workers > 0, one.Message == other.Message);
    }

    [Fact]
    public async Task AskAsync_TakesAnAnswer_OfAProgramThatDoesNotRead()
    {
        var question = Question() with { InventoryJson = new string(' ', 200_000) };

        Assert.Equal("done", (await Open("""echo '{"msg":"done"}'""").AskAsync(question, Cancel)).Message);
    }

    [Theory]
    [InlineData("echo 'no such thing: password=hunter2' >&2; exit 3", "exit code 3: no such thing: password=[…]")]
    [InlineData("echo this is not JSON", "is not the JSON object")]
    [InlineData("""echo '{"configuration":{"a":1}}'""", "is not the JSON object")]
    [InlineData("""echo '{"msg":"a"}'; echo '{"msg":"b"}'""", "is not the JSON object")]
    [InlineData("true", "is not the JSON object")]
    [InlineData("head -c 3000000 /dev/zero", "more than")]
    [InlineData("kill -9 $$", "exit code")]
    [InlineData("sleep 30", "was killed after 2 seconds")]
    public async Task AskAsync_SaysHowItFailed_WithoutSecrets(string script, string message)
    {
        var failed = await Assert.ThrowsAsync<HelperFailedException>(() => Open(script, seconds: 2).AskAsync(Question(), Cancel));

        Assert.Contains(message, failed.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AskAsync_TakesNoUnaskedLine_ForTheNextNodesAnswer()
    {
        var chatty = Open("""
            while IFS= read -r line; do
              case "$line" in *'"identity":"a"'*) echo '{"msg":"a"}'; sleep 0.2; echo '{"msg":"again a"}'; : > FOLDER/said;; *) echo '{"msg":"b"}';; esac
            done
            """.Replace("FOLDER", folder, StringComparison.Ordinal), workers: 1);
        Assert.Equal("a", (await chatty.AskAsync(Question() with { Identity = "a" }, Cancel)).Message);
        while (!File.Exists(Path.Combine(folder, "said")))
        {
            await Task.Delay(20, Cancel);
        }

        // The line is in the pipe; that it was read shows nowhere, and on a busy machine it takes its time.
        await Task.Delay(2000, Cancel);
        Assert.Equal("b", (await chatty.AskAsync(Question() with { Identity = "b" }, Cancel)).Message);
    }

    [Fact]
    public async Task AskAsync_SaysWhenThereIsNoProgram()
    {
        helper = new ProgramAdvisor(Options.Create(new HelperOptions { Program = Path.Combine(folder, "missing") }), TimeProvider.System);

        var failed = await Assert.ThrowsAsync<HelperFailedException>(() => helper.AskAsync(Question(), Cancel));

        Assert.Contains("cannot be started", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_HaveLimits_WhereThereIsAHelper()
    {
        var check = new HelperOptionsValidator();

        Assert.True(check.Validate(null, new HelperOptions()).Succeeded);
        Assert.Contains(
            "there is no program", check.Validate(null, new HelperOptions { Program = "/none" }).FailureMessage, StringComparison.Ordinal);
        Assert.True(check.Validate(null, new HelperOptions { Program = "/bin/sh", TimeLimit = TimeSpan.FromHours(1) }).Failed);
    }

    private static HelperQuestion Question() => new() { Identity = "n1", InventoryJson = "{}", ClaimsJson = "{}" };

    private static string Text(JsonNode node, string name) => node[name]!.GetValue<string>();

    private static ProvisioningClaims Claims(string json) => System.Text.Json.JsonSerializer.Deserialize<ProvisioningClaims>(json)!;

    private ProgramAdvisor Open(string script, int workers = 0, int seconds = 30)
    {
        var program = Path.Combine(folder, "helper.sh");
        File.WriteAllText(program, script);
        return helper = new ProgramAdvisor(
            Options.Create(new HelperOptions
            {
                Program = "/bin/sh",
                Arguments = [program],
                PersistentWorkers = workers,
                TimeLimit = TimeSpan.FromSeconds(seconds),
            }),
            TimeProvider.System);
    }
}
