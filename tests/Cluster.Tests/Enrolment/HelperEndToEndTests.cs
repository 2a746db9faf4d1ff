using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>
/// Choria Provisioner's helper as a shell script, with real brokers, a real silo, and nodes that update themselves first and are then
/// given a key of the script's making, encrypted for them, with a certificate of it.
/// </summary>
public sealed class HelperEndToEndTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-helper-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task AFleet_EnrolsByLayersAndHelper_AfterItUpdatedItself()
    {
        var options = Stages.Hosted with
        {
            MoreConfiguration = $"Helper:\n  Program: /bin/sh\n  Arguments: [ {folder}/helper.sh ]\n  TimeLimit: 00:00:30\n",
            MoreProvisioning = $"  LayersFolder: {folder}\n  Upgrades:\n    Repository: https://releases.example.net",
        };
        await using var stage = await Stages.StartAsync(options, Token);
        Write("10.yaml", "layers:\n- name: all\n  configuration: { plugin.layer: '{{ identity }}', plugin.helped: 'no' }\n");
        Write("helper.sh", Script(stage.AuthorityPath));
        await stage.StartSiloAsync(Token);
        await using var fleet = await SimulatedFleet.StartAsync(
            Stages.Fleet(stage, 4, FleetProtocol.V1) with { AllowUpdate = true }, Token);

        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.SiloOutput);

        foreach (var node in fleet.Nodes)
        {
            var shown = await ShowAsync(stage, node.Identity);
            var certificate = shown.GetProperty("certificate");
            Assert.Equal("helper", certificate.GetProperty("issuer").GetString());
            Assert.Equal(node.CertificateSerial, certificate.GetProperty("serialNumber").GetString());
            Assert.Equal(node.PublicKeyFingerprint, certificate.GetProperty("publicKeyFingerprint").GetString());
            Assert.Contains(shown.GetProperty("history").EnumerateArray(), step =>
                step.GetProperty("detail").GetString() == "told to update itself to 0.30.9");
            Assert.Equal(3, node.Starts);

            var settings = (await stage.Silo!.Api.GetFromJsonAsync<JsonElement>($"/v1/nodes/{node.Identity}/configuration", Token))
                .GetProperty("settings").EnumerateArray()
                .ToDictionary(line => line.GetProperty("key").GetString()!, line => line.GetProperty("sent").GetString());
            Assert.Equal((node.Identity, "yes"), (settings["plugin.layer"], settings["plugin.helped"]));
            AssertAsked(stage, node.Identity);
        }
    }

    private void AssertAsked(EnrolmentStage stage, string identity)
    {
        var asked = File.ReadLines(Path.Combine(folder, $"{identity}.asked")).Last();
        var question = JsonDocument.Parse(asked).RootElement;
        Assert.Contains("BEGIN CERTIFICATE REQUEST", question.GetProperty("csr").GetProperty("csr").GetString(), StringComparison.Ordinal);
        Assert.Equal(
            File.ReadAllText(stage.Secrets.SharedSecretFile).Trim(), question.GetProperty("jwt").GetProperty("cht").GetString());
        Assert.Equal(
            "0.30.9", JsonDocument.Parse(question.GetProperty("inventory").GetString()!).RootElement.GetProperty("version").GetString());
    }

    private static async Task<JsonElement> ShowAsync(EnrolmentStage stage, string identity)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(Deadline);
        while (true)
        {
            var shown = await stage.Silo!.Api.GetFromJsonAsync<JsonElement>($"/v1/nodes/{identity}", deadline.Token);
            if (shown.GetProperty("stage").GetString() == "enrolled")
            {
                return shown;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
        }
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(folder, name), text);

    private string Script(string authority) => $$"""
        cd {{folder}}
        input=$(cat)
        id=$(printf '%s' "$input" | sed 's/^{"identity":"\([^"]*\)".*/\1/')
        printf '%s\n' "$input" >> "$id.asked"
        work=$(mktemp -d {{folder}}/work.XXXXXX)
        pem() { awk '{printf "%s\\n", $0}' "$1"; }
        printf '%s\n' 'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature,keyEncipherment' \
          'extendedKeyUsage=serverAuth,clientAuth' 'subjectKeyIdentifier=hash' 'authorityKeyIdentifier=keyid' \
          "subjectAltName=DNS:$id" > $work/ext
        openssl genrsa -out $work/key 2048 2>/dev/null
        openssl req -new -key $work/key -subj "/CN=$id" -out $work/csr
        openssl x509 -req -in $work/csr -CA {{authority}} -CAkey {{Path.ChangeExtension(authority, ".key")}} \
          -set_serial 0x4a$(openssl rand -hex 15) -sha256 -days 7 -extfile $work/ext -out $work/cert 2>/dev/null
        printf '{"configuration":{"identity":"%s","plugin.helped":"yes"},"msg":"Done","upgrade":"0.30.9",' "$id"
        printf '"key":"%s","certificate":"%s","ca":"%s"}' "$(pem $work/key)" "$(pem $work/cert)" "$(pem {{authority}})"
        """;
}
