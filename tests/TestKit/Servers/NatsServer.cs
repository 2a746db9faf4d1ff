using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ControlPlane.TestKit;

/// <summary>A real nats-server of our own on the loopback.</summary>
public sealed class NatsServer : IAsyncDisposable
{
    private const int StartsMax = 3;

    private readonly NatsServerSettings _settings;
    private readonly string _folder;
    private readonly bool _ownsFolder;
    private ChildProcess? _process;

    private NatsServer(NatsServerSettings settings)
    {
        _settings = settings;
        _ownsFolder = settings.DataFolder is null;
        _folder = settings.DataFolder ?? Directory.CreateTempSubdirectory("controlplane-nats-").FullName;
        Directory.CreateDirectory(_folder);
        Port = settings.Port ?? LoopbackPort.Free();
        MonitorPort = LoopbackPort.Free();
    }

    /// <summary>The client port; stays the same over restarts.</summary>
    public int Port { get; private set; }

    /// <summary>The port of its HTTP monitoring: <c>/connz</c>, <c>/jsz</c>, <c>/healthz</c>.</summary>
    public int MonitorPort { get; private set; }

    public string Url => $"nats://127.0.0.1:{FrontPort ?? Port}";

    /// <summary>The port of what stands before it, where clients do not come to it directly.</summary>
    internal int? FrontPort { get; set; }

    public int ProcessId => _process!.Id;

    /// <summary>The last lines that it logged.</summary>
    public string Output => _process?.Output ?? "";

    public static Task<NatsServer> StartAsync(CancellationToken cancellationToken) =>
        StartAsync(new NatsServerSettings(), cancellationToken);

    /// <summary>Starts one and waits until it speaks to clients; with JetStream, until that is ready too.</summary>
    public static async Task<NatsServer> StartAsync(NatsServerSettings settings, CancellationToken cancellationToken)
    {
        var started = new NatsServer(settings);
        try
        {
            await started.StartAsync(settings.Port is null ? StartsMax : 1, untilHealthy: true, cancellationToken);
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it in order (SIGTERM); <see cref="RestartAsync"/> starts it again.</summary>
    public Task StopAsync() => EndAsync(process => process.StopAsync());

    /// <summary>Ends it at once (SIGKILL).</summary>
    public Task KillAsync() => EndAsync(process => process.KillAsync());

    /// <summary>Stops it from running while its connections stay open (SIGSTOP): a machine that hangs.</summary>
    public void Pause() => _process!.Signal(Signals.Stop);

    /// <summary>Lets it run again after <see cref="Pause"/>.</summary>
    public void Continue() => _process!.Signal(Signals.Continue);

    /// <summary>Removes what JetStream has stored, as a lost disk would; only while it does not run.</summary>
    public void LoseStore() => Directory.Delete(Path.Combine(_folder, "jetstream"), recursive: true);

    /// <summary>Starts it on the same port and store, after stopping it if it runs.</summary>
    public Task RestartAsync(CancellationToken cancellationToken) => RestartAsync(untilHealthy: true, cancellationToken);

    /// <summary>Starts it on the same port and store, after stopping it if it runs.</summary>
    /// <param name="untilHealthy">Whether to wait until it says that it is healthy, and not only until it speaks to clients.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task RestartAsync(bool untilHealthy, CancellationToken cancellationToken)
    {
        await StopAsync();
        await StartAsync(startsMax: 1, untilHealthy, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        if (_ownsFolder)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private async Task StartAsync(int startsMax, bool untilHealthy, CancellationToken cancellationToken)
    {
        for (var starts = 1; ; starts++)
        {
            _process = ChildProcess.Start(Command(), NatsPrograms.Installation(_settings.Program));
            if (await BecomesReadyAsync(untilHealthy, cancellationToken))
            {
                return;
            }

            var output = Output;
            await KillAsync();
            if (starts == startsMax || !output.Contains("address already in use", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"nats-server ended at start:\n{output}");
            }

            Port = LoopbackPort.Free();
            MonitorPort = LoopbackPort.Free();
        }
    }

    private async Task<bool> BecomesReadyAsync(bool untilHealthy, CancellationToken cancellationToken)
    {
        await Readiness.UntilAsync(
            async token => _process!.HasExited || (await GreetsAsync(token) && (!untilHealthy || await IsHealthyAsync(token))),
            $"nats-server on port {Port}",
            cancellationToken,
            () => Output);
        if (!_process!.HasExited)
        {
            return true;
        }

        // Its last words may still be in the pipe.
        await _process.WaitForExitAsync(cancellationToken);
        return false;
    }

    // The first line that a client reads; also before TLS.
    private async Task<bool> GreetsAsync(CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, Port, cancellationToken);
            var greeting = new byte[5];
            await client.GetStream().ReadExactlyAsync(greeting, cancellationToken);
            return Encoding.ASCII.GetString(greeting) == "INFO ";
        }
        catch (Exception notYet) when (notYet is SocketException or IOException)
        {
            return false;
        }
    }

    private async Task<bool> IsHealthyAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        try
        {
            using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{MonitorPort}/healthz"), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task EndAsync(Func<ChildProcess, Task> end)
    {
        if (_process is { } process)
        {
            await end(process);
            await process.DisposeAsync();
            _process = null;
        }
    }

    private ProcessStartInfo Command()
    {
        var file = _settings.ConfigurationFile;
        if (file is null)
        {
            file = Path.Combine(_folder, "nats-server.conf");
            File.WriteAllText(file, Generated());
        }

        var start = new ProcessStartInfo(_settings.Program)
        {
            ArgumentList = { "-c", file, "-a", "127.0.0.1", "-p", $"{Port}", "-m", $"{MonitorPort}" },
        };
        if (_settings.JetStream && _settings.ConfigurationFile is null)
        {
            start.ArgumentList.Add("-js");
            start.ArgumentList.Add("-sd");
            start.ArgumentList.Add(_folder);
        }

        foreach (var (name, value) in _settings.Environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private string Generated()
    {
        var text = new StringBuilder().AppendLine($"server_name: \"{_settings.Name ?? $"nats-{Port}"}\"");
        if (_settings.Tls is { } tls)
        {
            text.Append($"tls {{ cert_file: \"{tls.CertificatePath}\", key_file: \"{tls.KeyPath}\", timeout: 30");
            text.AppendLine(tls.ClientAuthorityPath is { } authority ? $", ca_file: \"{authority}\", verify: true }}" : "}");
            text.AppendLine(tls.AllowPlain ? "allow_non_tls: true" : "");
        }

        return text.AppendLine(_settings.Configuration).ToString();
    }
}
