using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using ControlPlane.Adapters.Tests.Fleet;
using ControlPlane.Adapters.WebHooks;
using ControlPlane.Jobs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Adapters.Tests.WebHooks;

/// <summary>Against a web server, which checks signatures by the words of the Standard Webhooks specification.</summary>
public sealed class SignedWebHooksTests : IAsyncLifetime
{
    private const string Json = """{"id":"j/1","reason":"Prüfung"}""";

    private static readonly byte[] OldSecret = [.. Enumerable.Range(1, 32).Select(number => (byte)number)];
    private static readonly byte[] NewSecret = [.. Enumerable.Range(101, 24).Select(number => (byte)number)];

    private readonly string secretFile = Path.GetTempFileName();
    private readonly FakeTimeProvider time = new(DateTimeOffset.FromUnixTimeSeconds(1_674_087_231));
    private readonly List<(Dictionary<string, string> Headers, string Body)> seen = [];
    private readonly JobsOptions options = new();
    private RequestDelegate answer = context => context.Response.WriteAsync("thanks");
    private WebApplication server = null!;
    private SignedWebHooks hooks = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        server = builder.Build();
        server.Run(async context =>
        {
            using var body = new StreamReader(context.Request.Body, Encoding.UTF8);
            var headers = context.Request.Headers.ToDictionary(
                header => header.Key, header => $"{header.Value}", StringComparer.OrdinalIgnoreCase);
            seen.Add((headers, await body.ReadToEndAsync(context.RequestAborted)));
            await answer(context);
        });
        await server.StartAsync(Cancel);
        await File.WriteAllTextAsync(secretFile, $"whsec_{Convert.ToBase64String(OldSecret)}\n", Cancel);
        options.WebHooks["chat"] = new JobWebHookOptions
        {
            Url = $"{server.Urls.First()}/hooks?token=planted-4711", SecretFile = secretFile,
        };
        hooks = new SignedWebHooks(new FixedOptions<JobsOptions>(options), time);
    }

    public async ValueTask DisposeAsync()
    {
        hooks.Dispose();
        await server.DisposeAsync();
        File.Delete(secretFile);
    }

    [Fact]
    public async Task AMessage_IsSigned_AsTheSpecificationSays()
    {
        Assert.Equal("thanks", await PostAsync());

        var (headers, body) = Assert.Single(seen);
        Assert.Equal(Json, body);
        Assert.Equal("application/cloudevents+json; charset=utf-8", headers["content-type"]);
        Assert.Equal(("j/1", "1674087231"), (headers["webhook-id"], headers["webhook-timestamp"]));
        Assert.Equal([Signature(OldSecret, body)], Signatures(headers));
    }

    [Fact]
    public void TheExampleOfTheReferenceLibraries_HasTheirSignature() => Assert.Equal(
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        WebHookSecrets.Sign(
            WebHookSecrets.Parse("f", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            """{"test": 2432232314}"""));

    [Fact]
    public async Task WithTwoSecrets_EachSigns_SoThatOneCanBeChangedForTheOther()
    {
        await File.AppendAllTextAsync(secretFile, $"whsec_{Convert.ToBase64String(NewSecret)}\n", Cancel);
        await PostAsync();
        Assert.Equal([Signature(OldSecret, Json), Signature(NewSecret, Json)], Signatures(seen[0].Headers));
    }

    [Theory]
    [InlineData(500)]
    [InlineData(404)]
    [InlineData(302)]
    [InlineData(307)]
    public async Task AnyStatusButSuccess_IsNoAnswer_AndNoRedirectIsFollowed(int status)
    {
        answer = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = $"{server.Urls.First()}/elsewhere";
            return Task.CompletedTask;
        };
        Assert.Equal($"the web hook 'chat' answered {status}", (await AwayAsync()).Message);
        Assert.Single(seen);
    }

    [Fact]
    public async Task AHugeAnswer_IsNone()
    {
        answer = async context =>
        {
            for (var chunks = 0; chunks < 1_024; chunks++)
            {
                await context.Response.WriteAsync(new string('x', 64 * 1_024));
            }
        };
        Assert.Contains("'chat' does not answer", (await AwayAsync()).Message);
    }

    [Fact]
    public async Task AHookThatHangs_IsLeftAfterAWhile()
    {
        var came = new TaskCompletionSource();
        answer = async context =>
        {
            came.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        };
        var posted = AwayAsync();
        await came.Task.WaitAsync(Cancel);
        time.Advance(TimeSpan.FromSeconds(16));
        Assert.Equal("the web hook 'chat' does not answer within 15 s", (await posted).Message);
    }

    [Fact]
    public async Task NobodyListening_AnUnknownName_AndAFileWithoutASecret_AreNoAnswers_AndKeepSecrets()
    {
        await server.StopAsync(Cancel);
        List<Exception> faults = [await AwayAsync(), await AwayAsync("mail")];
        await File.WriteAllTextAsync(secretFile, "planted-4711", Cancel);
        faults.Add(await AwayAsync());
        File.Delete(secretFile);
        faults.Add(await AwayAsync());
        Assert.All(faults, fault => Assert.DoesNotContain("planted", fault.Message));
        Assert.Contains("add it to Jobs:WebHooks", faults[1].Message);
        Assert.Contains($"the file '{secretFile}' must hold one secret in each line", faults[2].Message);
    }

    [Theory]
    [InlineData("whsec_AAAA")]
    [InlineData("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    [InlineData("")]
    public async Task ASecretThatIsNone_IsAFaultOfTheSettings(string secret)
    {
        await File.WriteAllTextAsync(secretFile, secret, Cancel);
        var failure = Assert.Single(new WebHookSecretsValidator().Validate(null, options).Failures!);
        Assert.Contains("WebHooks:chat:SecretFile", failure);
        Assert.Contains("24 to 64 bytes in base64", failure);
    }

    private Task<string> PostAsync(string name = "chat") => hooks.PostAsync(name, "j/1", Json, Cancel);

    private Task<ReceiverUnavailableException> AwayAsync(string name = "chat") =>
        Assert.ThrowsAsync<ReceiverUnavailableException>(() => PostAsync(name));

    private static string[] Signatures(Dictionary<string, string> headers) => headers["webhook-signature"].Split(' ');

    private string Signature(byte[] secret, string body)
    {
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        hmac.AppendData(Encoding.UTF8.GetBytes("j/1." + timestamp + "." + body));
        return "v1," + Convert.ToBase64String(hmac.GetHashAndReset());
    }
}
