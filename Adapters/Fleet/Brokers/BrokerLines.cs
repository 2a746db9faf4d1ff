using System.Text;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>What a broker says during a login, line by line.</summary>
internal sealed class BrokerLines(Stream stream)
{
    /// <summary>A greeting names every broker of a cluster; more than this is no broker.</summary>
    private const int BytesMax = 256 * 1024;

    private const int ReadBytes = 4096;

    private readonly List<byte> held = [];
    private readonly byte[] buffer = new byte[ReadBytes];

    /// <summary>What was read and not taken.</summary>
    public ReadOnlyMemory<byte> Rest => held.ToArray();

    /// <summary>The next line, without its end.</summary>
    /// <exception cref="BrokerLoginException">The broker closed the connection, or says no lines.</exception>
    public async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        int end;
        while ((end = held.IndexOf((byte)'\n')) < 0)
        {
            await FillAsync(cancellationToken);
        }

        return Encoding.UTF8.GetString(Take(end + 1)).TrimEnd('\r', '\n');
    }

    /// <summary>Takes a message's bytes and the line end behind them.</summary>
    public async Task<byte[]> ReadBodyAsync(int length, CancellationToken cancellationToken)
    {
        if (length is < 0 or > BytesMax)
        {
            throw new BrokerLoginException($"what answers is no NATS broker: it announced a message of {length} bytes");
        }

        while (held.Count < length + 2)
        {
            await FillAsync(cancellationToken);
        }

        return Take(length + 2)[..length];
    }

    private async Task FillAsync(CancellationToken cancellationToken)
    {
        if (held.Count > BytesMax + 2)
        {
            throw new BrokerLoginException($"what answers is no NATS broker: no line end within {BytesMax} bytes");
        }

        int read;
        try
        {
            read = await stream.ReadAsync(buffer, cancellationToken);
        }
        catch (IOException lost)
        {
            throw new BrokerLoginException($"the broker ended the connection during the login: {lost.Message}", lost);
        }

        if (read == 0)
        {
            throw new BrokerLoginException("the broker closed the connection during the login");
        }

        held.AddRange(buffer.AsSpan(0, read));
    }

    private byte[] Take(int count)
    {
        var taken = held.GetRange(0, count).ToArray();
        held.RemoveRange(0, count);
        return taken;
    }
}
