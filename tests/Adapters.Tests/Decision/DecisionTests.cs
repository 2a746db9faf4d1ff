using System.Diagnostics;
using System.Net;
using ControlPlane.Adapters.Decision;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Adapters.Tests.Decision;

/// <summary>Programs of the helper contract, and a web server on the loopback.</summary>
public sealed class DecisionTests : IDisposable
{
    private static readonly ExternalQuestion Question = new(
        "web1.example.net", "eu", """{"extensions":{"customer":"acme"}}""", """{"customer":"acme"}""", """{"os":"Debian"}""", "eu-1",
        [
            new("eu-1", 20, 100, ["nats://broker1.example.net:4222"]),
            new("eu-2", 10, 50, ["nats://broker2.example.net:4222", "nats://broker3.example.net:4222"])
        ]);

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-decision-").FullName;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("""{"overlay":"eu-2","reason":"CHG-1"}""", "eu-2", "CHG-1")]
    [InlineData("""{"defer":false,"msg":"by brokers","configuration":{"plugin.choria.middleware_hosts":"broker3.example.net:4222"}}""", "eu-2", "by brokers")]
    public void Read_FindsTheOverlay_ByNameOrByItsBrokers(string answer, string overlay, string reason) =>
        Assert.Equal(new ExternalAnswer.Choose(overlay, reason), DecisionMessages.Read(answer, Question));

    [Theory]
    [InlineData("not json")]
    [InlineData("null")]
    [InlineData("""{"shutdown":true}""")]
    [InlineData("""{"overlay":7}""")]
    [InlineData("""{"configuration":{"plugin.choria.middleware_hosts":"elsewhere:4222"}}""")]
    public void Read_Throws_WhatItThrows_ForAnswersThatCannotBeUsed(string answer) =>
        Assert.Throws<ExternalDecisionException>(() => DecisionMessages.Read(answer, Question));

    [Fact]
    public async Task AskAsync_GivesTheProgramWhatAHelperReads()
    {
        using var decider = Program($$"""cat > {{folder}}/seen; echo '{"defer":true,"msg":"later"}'""");

        Assert.Equal(new ExternalAnswer.Defer("later"), await decider.AskAsync(Question, Patience, Cancel));

        var seen = await File.ReadAllTextAsync(Path.Combine(folder, "seen"), Cancel);
        Assert.StartsWith("""{"identity":"web1.example.net","csr":null,"ed25519_pubkey":null,"inventory":"{\"facts\":{\"os\":\"Debian\"}}","jwt":{"extensions":{"customer":"acme"}},""", seen, StringComparison.Ordinal);
        Assert.Contains("\"proposed\":\"eu-1\"", seen, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 3")]
    [InlineData("yes")]
    public async Task AskAsync_Throws_WhenTheProgramFailsOrWritesWithoutEnd(string script)
    {
        using var decider = Program(script);
        await Assert.ThrowsAsync<ExternalDecisionException>(() => decider.AskAsync(Question, Patience, Cancel));
    }

    [Fact]
    public async Task AskAsync_KillsTheProgram_WhenItsTimeIsOver()
    {
        using var decider = Program($"cat > /dev/null; echo $$ > {folder}/pid; sleep 600");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => decider.AskAsync(Question, TimeSpan.FromSeconds(3), Cancel));

        var pid = (await File.ReadAllTextAsync(Path.Combine(folder, "pid"), Cancel)).Trim();
        var began = TimeProvider.System.GetTimestamp();
        while (Directory.Exists($"/proc/{pid}") && !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(3), "the program lives on");
            await Task.Delay(20, Cancel);
        }
    }

    [Fact]
    public async Task AskAsync_LeavesTheCallersTurn_WhileAProgramIsSlowToStart_AndCountsItsTimeFromThen()
    {
        var time = new FakeTimeProvider();
        using var starts = new ManualResetEventSlim();
        using var decider = Program("""echo '{"overlay":"eu-1"}'""", time, program =>
        {
            starts.Wait(Cancel);
            return Process.Start(program);
        });

        var asked = decider.AskAsync(Question, TimeSpan.FromSeconds(2), Cancel);
        Assert.False(asked.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(9));
        starts.Set();

        Assert.Equal("eu-1", Assert.IsType<ExternalAnswer.Choose>(await asked).Overlay);
    }

    [Theory]
    [InlineData(200, """{"overlay":"eu-1","reason":"CMDB"}""", "eu-1")]
    [InlineData(204, "", null)]
    [InlineData(500, "broken", "")]
    [InlineData(302, "", "")]
    public async Task AskAsync_ReadsTheWebHooksAnswer(int status, string body, string? overlay)
    {
        var port = LoopbackPort.Free();
        using var listener = new HttpListener { Prefixes = { $"http://127.0.0.1:{port}/" } };
        listener.Start();
        var served = ServeOnceAsync(listener, status, body);
        await File.WriteAllTextAsync(Path.Combine(folder, "token"), "t0ken\n", Cancel);
        using var decider = new WebDecider(
            Options.Create(new DecisionOptions { Url = $"http://127.0.0.1:{port}/where", TokenFile = Path.Combine(folder, "token") }),
            TimeProvider.System);

        var asked = decider.AskAsync(Question, Patience, Cancel);

        Assert.Equal("Bearer t0ken", await served);
        switch (overlay)
        {
            case "":
                await Assert.ThrowsAsync<ExternalDecisionException>(() => asked);
                break;
            case null:
                Assert.IsType<ExternalAnswer.Abstain>(await asked);
                break;
            default:
                Assert.Equal(overlay, Assert.IsType<ExternalAnswer.Choose>(await asked).Overlay);
                break;
        }
    }

    [Fact]
    public void Validate_NamesEveryFault()
    {
        var faults = new DecisionOptionsValidator().Validate(null, new DecisionOptions
        {
            Program = "/nowhere", Url = "http://cmdb.example.net", TokenFile = "/nowhere", ProgramsMax = 0,
        });

        Assert.Equal(5, faults.Failures!.SelectMany(failure => failure.Split("; ")).Count());
    }

    private static async Task<string?> ServeOnceAsync(HttpListener listener, int status, string body)
    {
        var context = await listener.GetContextAsync();
        context.Response.StatusCode = status;
        if (body.Length > 0)
        {
            await context.Response.OutputStream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(body), Cancel);
        }

        context.Response.Close();
        return context.Request.Headers["Authorization"];
    }

    private ProgramDecider Program(string script, TimeProvider? time = null, Func<ProcessStartInfo, Process?>? start = null)
    {
        var path = Path.Combine(folder, "where");
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new ProgramDecider(Options.Create(new DecisionOptions { Program = path }), time ?? TimeProvider.System, start);
    }
}
